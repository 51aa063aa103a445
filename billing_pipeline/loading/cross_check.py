"""The cross-check: two files of one report, json_v2_0 and csv_v2_0, must hold the same rows.

Acronis writes the same report twice, in two formats. They are read by different readers, so whatever
goes wrong on the way of the one does not go wrong on the way of the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import zip_longest
from typing import Any, NamedTuple, Protocol

import duckdb

from billing_pipeline.errors import BillingPipelineError
from billing_pipeline.loading.checks import CROSS_CHECK
from billing_pipeline.loading.row_digest import compared_columns, digest
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.sql_files import read_sql
from billing_pipeline.warehouse.check_results import CheckResult, Finding, Severity

_MAX_FINDINGS = 20


class Witness(Protocol):
    """The other file of the report, read by the engine."""

    @property
    def select_rows(self) -> str: ...
    def refusal(self, error: duckdb.Error) -> BillingPipelineError: ...


def cross_check(
    connection: duckdb.DuckDBPyConnection,
    period: BillingPeriod,
    account: str,
    witness: Witness,
    *,
    severity: Severity,
) -> CheckResult:
    """Compare the account's rows of the period in the table, completely, with those of the witness.

    Both sides are summed up first; the rows themselves are compared only if the sums differ.

    Args:
        connection: inside the load's transaction, after the period's rows were inserted.
        severity: what a difference does to the load.
    """
    columns = compared_columns(connection)
    typed = ", ".join(column.typed for column in columns)
    parameters = {"billing_period": period.start, "account": account}
    loaded = "FROM usage WHERE billing_period = $billing_period AND account = $account"
    in_json = digest(connection, columns, loaded, parameters)
    try:
        # Over a connection of its own, because a file that cannot be read would abort the transaction.
        with connection.cursor() as reader:
            in_csv = digest(reader, columns, f"SELECT {typed} FROM ({witness.select_rows})")
    except duckdb.OperationalError:
        raise  # of the machine (disk, memory), not of the report
    except duckdb.Error as error:
        return no_witness(witness.refusal(error), severity)
    (rows_json, _), (rows_csv, _) = in_json, in_csv
    if in_json == in_csv:
        same = f"{rows_json:,} rows are the same"
        return CheckResult.from_findings(CROSS_CHECK, [], severity=severity, passing=same)
    names = [column.name for column in columns]
    statement = read_sql("loading/queries/cross_check.sql").format(
        names=", ".join(names), typed=typed, witness=witness.select_rows
    )
    rows = connection.execute(statement, parameters | {"keys": _MAX_FINDINGS + 1}).fetchall()
    findings = _findings(
        [
            _Unmatched(total, key, json_row, csv_row, dict(zip(names, values, strict=True)))
            for total, key, json_row, csv_row, *values in rows
        ]
    )
    if rows_json != rows_csv:
        findings.insert(0, Finding(f"json_v2_0 has {rows_json:,} rows, csv_v2_0 has {rows_csv:,}", 0))
    return CheckResult.from_findings(CROSS_CHECK, findings, severity=severity)


def no_witness(error: BillingPipelineError | None, severity: Severity) -> CheckResult:
    """What the cross-check says when there is nothing to compare with.

    Args:
        error: why the other file cannot be read; None if it was not delivered.
    """
    finding = f"csv_v2_0 cannot be read: {error.what}" if error else "the raw report has no csv_v2_0 file"
    return CheckResult.from_findings(CROSS_CHECK, [Finding(finding, 0)], severity=severity)


class _Unmatched(NamedTuple):
    """A row that one file has more often than the other; with its first place in each, if it is there."""

    unmatched_rows: int
    natural_key: dict[str, Any]
    json_row: int | None
    csv_row: int | None
    values: dict[str, Any]

    def __str__(self) -> str:
        place = (
            f"{self.json_row} of json_v2_0" if self.json_row is not None else f"{self.csv_row} of csv_v2_0"
        )
        return (
            f"row {place}: {self.values['offering_item']} of tenant {self.values['tenant_id']} "
            f"({self.values['tenant_name'] or 'no name'})"
        )


def _findings(unmatched: Sequence[_Unmatched]) -> list[Finding]:
    """Describe the differences; rows of one natural key are one row with other values."""
    by_key: dict[str, list[_Unmatched]] = {}
    for row in unmatched:
        by_key.setdefault(repr(row.natural_key), []).append(row)
    findings = [Finding(finding, 1) for rows in by_key.values() for finding in _differences(rows)]
    if len(findings) > _MAX_FINDINGS:
        total = unmatched[0].unmatched_rows
        rest = Finding(f"{total:,} rows have no match in the other file", total - _MAX_FINDINGS)
        return [*findings[:_MAX_FINDINGS], rest]
    return findings


def _differences(rows: Sequence[_Unmatched]) -> Iterator[str]:
    """What differs between the rows of one natural key, of which the two files have different ones."""
    yield from (
        f"{row} is not in both files equally often"
        for row in rows
        if row.json_row is not None and row.csv_row is not None
    )
    only_json = [row for row in rows if row.csv_row is None]
    only_csv = [row for row in rows if row.json_row is None]
    for ours, theirs in zip_longest(only_json, only_csv):
        if ours is None or theirs is None:
            yield f"{ours or theirs} is not in {'csv_v2_0' if ours else 'json_v2_0'}"
        else:
            different = (
                f"{name} {_text(value)}, in csv_v2_0 {_text(theirs.values[name])}"
                for name, value in ours.values.items()
                if value != theirs.values[name]
            )
            yield f"{ours}: {'; '.join(different)}"


def _text(value: Any) -> str:
    if value is None:
        return "nothing"
    return format(value, "f") if isinstance(value, Decimal) else str(value)
