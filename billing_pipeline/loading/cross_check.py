"""The cross-check: json_v2_0 and csv_v2_0 of one report must contain the same rows.

Acronis writes the same report in two formats, and different readers parse them. So an error in one path shows
as a difference from the other.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import partial
from typing import Any, Literal, Protocol

import duckdb

from billing_pipeline.errors import ReportRefusedError
from billing_pipeline.loading.checks import CROSS_CHECK
from billing_pipeline.normalize.fields import FIELDS
from billing_pipeline.reports import ControlTotals
from billing_pipeline.sql_files import read_sql
from billing_pipeline.warehouse.check_results import CheckResult, Finding
from billing_pipeline.warehouse.history import LoadAttempt

CrossCheckMode = Literal["stop", "warn", "off"]

_MAX_FINDINGS = 20


class UsageRows(Protocol):
    """A raw report, read by the engine: `JsonReport` or `CsvReport`; its totals come from another parser."""

    @property
    def period_start(self) -> date: ...
    @property
    def period_end(self) -> date: ...
    def selects(self) -> Iterator[str]: ...
    def control_totals(self) -> ControlTotals: ...
    def refusal(self, error: duckdb.Error) -> ReportRefusedError: ...


def cross_check(
    connection: duckdb.DuckDBPyConnection,
    attempt: LoadAttempt,
    witness: UsageRows | ReportRefusedError | None,
    mode: CrossCheckMode,
) -> CheckResult:
    """Compare all rows of this load with those of the witness.

    Args:
        connection: inside the load's transaction, after the period's rows were inserted.
        witness: None if there is no other file; an error if it cannot be read.
        mode: whether a difference in what is billed stops the load, warns, or is not checked; any other
            difference warns.
    """
    result = partial(CheckResult.from_findings, CROSS_CHECK, severity="warn" if mode == "off" else mode)
    if mode == "off":
        return result([], passing="switched off: nothing was compared")
    if witness is None:
        return result([Finding("the raw report has no csv_v2_0 file", 0)])
    try:
        if isinstance(witness, ReportRefusedError):
            raise witness
        rows, findings, is_billed = _compare(connection, attempt, witness)
    except ReportRefusedError as error:
        return result([Finding(f"csv_v2_0 cannot be read: {error.what}", 0)])
    if findings and not is_billed:
        result = partial(CheckResult.from_findings, CROSS_CHECK, severity="warn")
    return result(findings, passing=f"{rows:,} rows are the same")


def _compare(
    connection: duckdb.DuckDBPyConnection, attempt: LoadAttempt, witness: UsageRows
) -> tuple[int, list[Finding], bool]:
    """The number of loaded rows, the differences, and whether what is billed differs.

    Rows are compared only if the digests differ; if what is billed does, in these columns alone.
    """
    (witness_rows,) = witness.selects()  # csv_v2_0 is one SELECT
    columns = compared_columns(connection)
    typed = ", ".join(f"{name}::{kind} AS {name}" for name, kind in columns.items())
    loaded = "FROM usage WHERE billing_period = $billing_period AND account = $account"

    def digests(compared: Iterable[str]) -> tuple[tuple[int, int], tuple[int, int]]:
        try:
            # On a separate connection, because an unreadable file would abort the transaction.
            with connection.cursor() as reader:
                in_csv = digest(reader, compared, f"SELECT {typed} FROM ({witness_rows})")
        except duckdb.OperationalError:
            raise  # of the machine (disk, memory), not of the report
        except duckdb.Error as error:
            raise witness.refusal(error) from error
        return digest(connection, compared, loaded, attempt.scope), in_csv

    in_json, in_csv = digests(columns)
    (rows_json, _), (rows_csv, _) = in_json, in_csv
    if in_json == in_csv:
        return rows_json, [], False
    billed = [field.column for field in FIELDS if field.kind.billed]
    in_json, in_csv = digests(billed)
    is_billed = in_json != in_csv
    compared = billed if is_billed else list(columns)
    differences = (
        f"if(ours.{name} IS DISTINCT FROM theirs.{name}, format('{name} {{}}, in csv_v2_0 {{}}',"
        f" coalesce(ours.{name}::VARCHAR, 'nothing'), coalesce(theirs.{name}::VARCHAR, 'nothing')), NULL)"
        for name in compared
    )
    statement = read_sql("loading/queries/cross_check.sql").format(
        names=", ".join(columns),
        compared=", ".join(compared),
        others="".join(f"any_value({name}) AS {name}, " for name in columns if name not in compared),
        typed=typed,
        witness=witness_rows,
        differences=", ".join(differences),
    )
    found = connection.execute(statement, attempt.scope | {"limit": _MAX_FINDINGS + 1}).fetchall()
    findings = [Finding(text, 1) for text, _ in found[:_MAX_FINDINGS]]
    if len(found) > _MAX_FINDINGS:
        unmatched = found[0][1]
        rest = f"{unmatched:,} rows have no match in the other file"
        findings.append(Finding(rest, unmatched - _MAX_FINDINGS))
    if rows_json != rows_csv:
        findings.insert(0, Finding(f"json_v2_0 has {rows_json:,} rows, csv_v2_0 has {rows_csv:,}", 0))
    return rows_json, findings, is_billed


def compared_columns(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The columns by which the rows of two files, or of two loads, are compared, with their SQL types."""
    return dict(connection.execute(read_sql("loading/queries/compared_columns.sql")).fetchall())


def hashed(columns: Iterable[str]) -> str:
    """The arguments of `hash()` for a whole row.

    All of them are text, because DuckDB hashes a value of 128 bits as its high half XOR its low half: 0 and
    -1 have the same hash.
    """
    return ", ".join(f"{name}::VARCHAR" for name in columns)


def digest(
    connection: duckdb.DuckDBPyConnection,
    columns: Iterable[str],
    rows: str,
    parameters: Mapping[str, Any] | None = None,
) -> tuple[int, int]:
    """Number of rows and sum of their hashes, in one pass and constant memory.

    Args:
        rows: a query of them, with all `columns` in the table's types.
    """
    statement = read_sql("loading/queries/digest.sql").format(columns=hashed(columns), rows=rows)
    count, total = connection.execute(statement, parameters).fetchone() or (0, None)
    return count, int(total or 0)
