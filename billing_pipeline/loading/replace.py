"""Atomic replacement of an account's billing period: the complete new month or the complete old one."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import duckdb

from billing_pipeline.errors import ReportRefusedError, WarehouseError, first_line
from billing_pipeline.loading.checks import (
    CONTROL_TOTALS,
    CROSS_CHECK,
    JSON_LAYOUT,
    LoadStoppedError,
    run_checks,
)
from billing_pipeline.loading.cross_check import CrossCheckMode, UsageRows, cross_check
from billing_pipeline.loading.restatement import record_restatement
from billing_pipeline.normalize import UnknownLayoutError
from billing_pipeline.reports import MEASURES, ControlTotals, exact_number
from billing_pipeline.sql_files import read_sql, rows_as_dicts
from billing_pipeline.warehouse.check_results import CheckResult, Finding
from billing_pipeline.warehouse.closing import refuse_if_closed
from billing_pipeline.warehouse.history import LoadAttempt, record
from billing_pipeline.warehouse.schema import replace_month_totals
from billing_pipeline.warehouse.warehouse import Warehouse

# DuckDB's errors that a report's content can cause: error('row …') of the normaliser, a value that does not
# fit its column, a sum of more than 38 digits.
_CONTENT = (
    duckdb.InvalidInputException,
    duckdb.ConversionException,
    duckdb.OutOfRangeException,
    duckdb.ConstraintException,
)
# Errors that no report can cause: statements that do not fit the tables, and DuckDB's assertions.
_DEFECTS = (
    duckdb.ProgrammingError,
    duckdb.NotSupportedError,
    duckdb.InternalError,
    duckdb.TransactionException,
    duckdb.SerializationException,
)


def replace_period(
    warehouse: Warehouse,
    rows: UsageRows,
    attempt: LoadAttempt,
    *,
    witness: UsageRows | ReportRefusedError | None = None,
    cross_check_mode: CrossCheckMode = "stop",
    unknown_layout: UnknownLayoutError | None = None,
) -> LoadAttempt:
    """Replace an account's rows of a period by those of a report, and publish if no check stops it.

    Args:
        rows: the report's rows, each with the columns of `usage` that come from the file.
        attempt: the load so far; each row gets its ids. `forced` lets a closed period be replaced, and one
            that has usage by an empty report.
        witness: the same report in its other format, for the cross-check, or why that cannot be read.
        cross_check_mode: whether a difference stops the load, warns, or is not checked.
        unknown_layout: why the rows are those of csv_v2_0 alone, so that there is nothing to compare them to.

    Returns:
        The attempt as it was recorded, with control totals, checks, restatement and duration.

    Raises:
        PeriodClosedError: the period is closed. Nothing changed.
        ReportRefusedError: a row is bad, or a check that stops did not pass (`LoadStoppedError`).
            Nothing changed.
        WarehouseError: the warehouse cannot be changed. Nothing changed.
    """
    started = time.monotonic()

    def load(connection: duckdb.DuckDBPyConnection) -> LoadAttempt:
        if not attempt.forced:
            refuse_if_closed(connection, attempt.period)
        loaded_at = datetime.now(UTC)
        with _classified_errors(rows):
            replace_rows(connection, rows, attempt, loaded_at)
            totals = _control_totals(connection, attempt)
            checks = (
                _compare_totals(rows.control_totals(), totals),
                cross_check(connection, attempt, witness, cross_check_mode)
                if unknown_layout is None
                else CheckResult.from_findings(
                    CROSS_CHECK, [], severity="warn", passing="only csv_v2_0 was read: see json_layout"
                ),
                _json_layout(unknown_layout),
                *run_checks(connection, attempt),
            )
            if any(check.stops for check in checks):
                raise LoadStoppedError(checks)
            loaded = replace(
                attempt,
                outcome="loaded",
                control_totals=totals,
                checks=checks,
                restatement=record_restatement(connection, attempt, loaded_at),
                load_seconds=round(time.monotonic() - started, 3),
            )
            record(connection, loaded)
            replace_month_totals(connection, attempt.scope)
        return loaded

    return warehouse.change(load)


def replace_rows(
    connection: duckdb.DuckDBPyConnection, rows: UsageRows, attempt: LoadAttempt, loaded_at: datetime
) -> None:
    """Replace the rows of the attempt's period and account, in a transaction, without a check or a record."""
    connection.execute(
        "DELETE FROM usage WHERE billing_period = $billing_period AND account = $account", attempt.scope
    )
    origin = attempt.scope | {
        "period_start": rows.period_start,
        "period_end": rows.period_end,
        "root_tenant_id": attempt.root_tenant_id,
        "report_id": attempt.report_id,
        "stored_report_id": attempt.stored_report_id,
        "loaded_at": loaded_at,
    }
    # Rows have their position in report_row; without insertion order all threads can store rows.
    connection.execute("SET preserve_insertion_order = false")
    for select_rows in rows.selects():
        connection.execute(
            read_sql("loading/queries/insert_usage.sql").format(select_rows=select_rows), origin
        )
    connection.execute("RESET preserve_insertion_order")


@contextmanager
def _classified_errors(rows: UsageRows) -> Iterator[None]:
    """Classify DuckDB's errors: a bad report or a defect; errors of the environment propagate."""
    try:
        yield
    except _CONTENT as error:
        raise rows.refusal(error) from error
    except _DEFECTS as error:
        raise WarehouseError(
            f"DuckDB failed in a way that no report accounts for: {first_line(error)}",
            todo="Nothing was loaded, and the raw report is kept. This is a defect: please report it. "
            "No further report is needed.",
        ) from error


def _compare_totals(in_file: ControlTotals, in_table: ControlTotals) -> CheckResult:
    findings = [
        Finding(f"{difference} (raw report, table)", 0) for difference in in_file.differences(in_table)
    ]
    return CheckResult.from_findings(
        CONTROL_TOTALS, findings, severity="stop", passing=f"{in_table.rows:,} rows and all sums agree"
    )


def _json_layout(unknown: UnknownLayoutError | None) -> CheckResult:
    findings = [
        Finding(
            f"{unknown.what}. The rows are those of csv_v2_0. Please report this line to the authors of "
            "billing-pipeline, so that the layout can be read",
            0,
        )
        for unknown in filter(None, [unknown])
    ]
    return CheckResult.from_findings(JSON_LAYOUT, findings, severity="warn", passing="the layout is known")


def _control_totals(connection: duckdb.DuckDBPyConnection, attempt: LoadAttempt) -> ControlTotals:
    by_unit = rows_as_dicts(connection.execute(read_sql("loading/queries/control_totals.sql"), attempt.scope))
    return ControlTotals(
        rows=sum(row["row_count"] for row in by_unit),
        sums={
            row["measurement_unit"]: {name: exact_number(row[name] or "0") for name in MEASURES}
            for row in by_unit
        },
    )
