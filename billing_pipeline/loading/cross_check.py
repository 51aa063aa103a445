"""The cross-check: json_v2_0 and csv_v2_0 of one report must contain the same rows.

Acronis writes the same report in two formats, and different readers parse them. So an error in one path shows
as a difference from the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from functools import partial
from itertools import zip_longest
from typing import Any, Literal, Protocol

import duckdb

from billing_pipeline.errors import ReportRefusedError
from billing_pipeline.loading.checks import CROSS_CHECK
from billing_pipeline.loading.row_digest import compared_columns, digest
from billing_pipeline.sql_files import read_sql, rows_as_dicts
from billing_pipeline.warehouse.check_results import CheckResult, Finding
from billing_pipeline.warehouse.history import LoadAttempt

CrossCheckMode = Literal["stop", "warn", "off"]

_MAX_FINDINGS = 20


class Witness(Protocol):
    """The other file of the report, read by the engine."""

    @property
    def select_rows(self) -> str: ...
    def refusal(self, error: duckdb.Error) -> ReportRefusedError: ...


def cross_check(
    connection: duckdb.DuckDBPyConnection,
    attempt: LoadAttempt,
    witness: Witness | ReportRefusedError | None,
    mode: CrossCheckMode,
) -> CheckResult:
    """Compare all rows of this load with those of the witness.

    Args:
        connection: inside the load's transaction, after the period's rows were inserted.
        witness: None if there is no other file; an error if it cannot be read.
        mode: whether a difference stops the load, warns, or is not checked.
    """
    result = partial(CheckResult.from_findings, CROSS_CHECK, severity="warn" if mode == "off" else mode)
    if mode == "off":
        return result([], passing="switched off: nothing was compared")
    if witness is None:
        return result([Finding("the raw report has no csv_v2_0 file", 0)])
    try:
        if isinstance(witness, ReportRefusedError):
            raise witness
        rows, findings = _compare(connection, attempt, witness)
    except ReportRefusedError as error:
        return result([Finding(f"csv_v2_0 cannot be read: {error.what}", 0)])
    return result(findings, passing=f"{rows:,} rows are the same")


def _compare(
    connection: duckdb.DuckDBPyConnection, attempt: LoadAttempt, witness: Witness
) -> tuple[int, list[Finding]]:
    """The number of loaded rows, and the differences.

    Digests are compared first; the rows themselves only if the digests differ.
    """
    columns = compared_columns(connection)
    typed = ", ".join(f"{name}::{kind} AS {name}" for name, kind in columns.items())
    loaded = "FROM usage WHERE billing_period = $billing_period AND account = $account"
    in_json = digest(connection, columns, loaded, attempt.scope)
    try:
        # On a separate connection, because an unreadable file would abort the transaction.
        with connection.cursor() as reader:
            in_csv = digest(reader, columns, f"SELECT {typed} FROM ({witness.select_rows})")
    except duckdb.OperationalError:
        raise  # of the machine (disk, memory), not of the report
    except duckdb.Error as error:
        raise witness.refusal(error) from error
    (rows_json, _), (rows_csv, _) = in_json, in_csv
    if in_json == in_csv:
        return rows_json, []
    statement = read_sql("loading/queries/cross_check.sql").format(
        names=", ".join(columns), typed=typed, witness=witness.select_rows
    )
    unmatched = connection.execute(statement, attempt.scope | {"keys": _MAX_FINDINGS + 1})
    findings = _findings(rows_as_dicts(unmatched), columns)
    if rows_json != rows_csv:
        findings.insert(0, Finding(f"json_v2_0 has {rows_json:,} rows, csv_v2_0 has {rows_csv:,}", 0))
    return rows_json, findings


_Row = dict[str, Any]
"""A row of `cross_check.sql`."""


def _findings(unmatched: Sequence[_Row], columns: Iterable[str]) -> list[Finding]:
    """Describe the differences; rows with the same natural key are one row with different values."""
    by_key: dict[str, list[_Row]] = {}
    for row in unmatched:
        by_key.setdefault(repr(row["natural_key"]), []).append(row)
    findings = [Finding(text, 1) for rows in by_key.values() for text in _differences(rows, columns)]
    if len(findings) > _MAX_FINDINGS:
        total = unmatched[0]["unmatched_rows"]
        rest = Finding(f"{total:,} rows have no match in the other file", total - _MAX_FINDINGS)
        return [*findings[:_MAX_FINDINGS], rest]
    return findings


def _differences(rows: Sequence[_Row], columns: Iterable[str]) -> Iterator[str]:
    """The differences between the two files' rows of one natural key."""
    only_json = [row for row in rows if row["csv_row"] is None]
    only_csv = [row for row in rows if row["json_row"] is None]
    for row in rows:
        if row["json_row"] is not None and row["csv_row"] is not None:
            yield f"{_place(row)} is not in both files equally often"
    for ours, theirs in zip_longest(only_json, only_csv):
        if theirs is None:
            yield f"{_place(ours)} is not in csv_v2_0"
        elif ours is None:
            yield f"{_place(theirs)} is not in json_v2_0"
        else:
            different = (
                f"{name} {_text(ours[name])}, in csv_v2_0 {_text(theirs[name])}"
                for name in columns
                if ours[name] != theirs[name]
            )
            yield f"{_place(ours)}: {'; '.join(different)}"


def _place(row: _Row) -> str:
    json_row = row["json_row"]
    place = f"{row['csv_row']} of csv_v2_0" if json_row is None else f"{json_row} of json_v2_0"
    return (
        f"row {place}: {row['offering_item']} of tenant {row['tenant_id']} "
        f"({row['tenant_name'] or 'no name'})"
    )


def _text(value: Any) -> str:
    if value is None:
        return "nothing"
    return format(value, "f") if isinstance(value, Decimal) else str(value)
