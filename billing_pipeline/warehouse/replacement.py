"""The replacement of one billing period: all of the new month or all of the old one, never a mix."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Protocol

import duckdb

from billing_pipeline.control_totals import MEASURES, ControlTotals
from billing_pipeline.errors import BillingPipelineError, ReportRefusedError
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.warehouse.history import LoadAttempt, record
from billing_pipeline.warehouse.publication import Warehouse, sql


class UsageRows(Protocol):
    """A raw report, read by the engine.

    `select_rows` yields every column of `usage` that comes from the file, and fails inside DuckDB on a
    bad row; `refusal` turns that failure into words; `control_totals` come from the file another way.
    """

    @property
    def select_rows(self) -> str: ...
    @property
    def period_start(self) -> date: ...
    @property
    def period_end(self) -> date: ...
    def control_totals(self) -> ControlTotals: ...
    def refusal(self, error: duckdb.Error) -> BillingPipelineError: ...


def replace_period(warehouse: Warehouse, rows: UsageRows, attempt: LoadAttempt) -> LoadAttempt:
    """Replace a period's rows by those of a report, and publish.

    Args:
        rows: the report's rows.
        attempt: what is known of the load so far; its ids are written beside each row.

    Returns:
        The attempt as it was recorded, with control totals and duration.

    Raises:
        ReportRefusedError: a row is bad, or the control totals of file and table differ. Nothing changed.
        WarehouseError: the warehouse cannot be changed. Nothing changed.
    """
    started = time.monotonic()
    with warehouse.changing() as connection:
        connection.execute("BEGIN")
        connection.execute(
            "DELETE FROM usage WHERE billing_period = $period", {"period": attempt.period.start}
        )
        try:
            connection.execute(
                sql("insert_usage.sql").format(select_rows=rows.select_rows),
                {
                    "billing_period": attempt.period.start,
                    "period_start": rows.period_start,
                    "period_end": rows.period_end,
                    "root_tenant_id": attempt.root_tenant_id,
                    "report_id": attempt.report_id,
                    "stored_report_id": attempt.stored_report_id,
                    "loaded_at": datetime.now(UTC),
                },
            )
        except (duckdb.IOException, duckdb.OutOfMemoryException):
            raise
        except duckdb.Error as error:
            raise rows.refusal(error) from error
        in_file, in_table = rows.control_totals(), table_control_totals(connection, attempt.period)
        if differences := in_file.differences(in_table):
            raise ReportRefusedError(
                "the control totals of the raw report and of the table differ (report, table): "
                + "; ".join(differences[:5]),
                todo="Nothing was loaded. Keep the raw report and report this as a defect.",
                period=attempt.period.key,
                report_id=attempt.report_id,
            )
        attempt = replace(
            attempt,
            outcome="loaded",
            control_totals=in_table,
            load_seconds=Decimal(str(round(time.monotonic() - started, 3))),
        )
        record(connection, attempt)
        connection.execute("COMMIT")
    return attempt


def table_control_totals(connection: duckdb.DuckDBPyConnection, period: BillingPeriod) -> ControlTotals:
    """The control totals of a period as the table has them."""
    by_unit = connection.execute(sql("control_totals.sql"), {"billing_period": period.start}).fetchall()
    return ControlTotals(
        rows=sum(row[1] for row in by_unit),
        sums={row[0]: dict(zip(MEASURES, map(int, row[2:]), strict=True)) for row in by_unit},
    )
