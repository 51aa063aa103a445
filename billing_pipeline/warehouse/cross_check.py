"""The cross-check: two files of one report, json_v2_0 and csv_v2_0, must hold the same rows.

Acronis writes the same report twice, in two formats. They are read by different readers, so whatever
goes wrong on the way of the one does not go wrong on the way of the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Protocol

import duckdb

from billing_pipeline.errors import BillingPipelineError
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.sql_files import read_sql
from billing_pipeline.warehouse.load_checks import CROSS_CHECK, CheckResult, Finding, Severity

# Not compared: where the row stands, what is computed from other columns by the same rule for both, and
# what has no column (a CSV file cannot tell a number from a text).
_NOT_COMPARED = {
    "report_row",
    "extra",
    "dr_compute_points_production",
    "dr_compute_points_trial",
    "dr_compute_points_total",
}
_NATURAL_KEY = ("usage_date", "tenant_id", "application_id", "offering_item", "edition", "infra_id", "sku")
_PAIRS_TOLD = 20
_HASHES_AT_ONCE = 1_000_000


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

    Both sides are added up to one number over a hash of each whole row, in one pass and constant memory;
    the rows themselves are looked at only when the numbers differ.
    """
    columns = _compared_columns(connection)
    names = [name for name, _ in columns]
    typed = ", ".join(f"{name}::{kind} AS {name}" for name, kind in columns)
    parameters = {"billing_period": period.start, "account": account}
    loaded = "FROM usage WHERE billing_period = $billing_period AND account = $account"
    in_json = _sums(connection, names, loaded, parameters)
    try:
        # Over a connection of its own, because a file that cannot be read would abort the transaction.
        with connection.cursor() as reader:
            in_csv = _sums(reader, names, f"SELECT {typed} FROM ({witness.select_rows})")
    except duckdb.OperationalError:
        raise  # of the machine (disk, memory), not of the report
    except duckdb.Error as error:
        return no_witness(witness.refusal(error), severity)
    (rows_json, _), (rows_csv, _) = in_json, in_csv
    if in_json == in_csv:
        return CheckResult.of(CROSS_CHECK, [], severity=severity, passing=f"{rows_json:,} rows are the same")
    fragments = {
        "names": ", ".join(names),
        "key": ", ".join(_NATURAL_KEY),
        "columns": typed,
        "witness": witness.select_rows,
        "json_names": ", ".join(f"j.{name}" for name in names),
        "csv_names": ", ".join(f"c.{name}" for name in names),
        "same_key": " AND ".join(f"j.{name} IS NOT DISTINCT FROM c.{name}" for name in _NATURAL_KEY),
    }
    findings = _differences(connection, fragments, parameters, names, rows_json + rows_csv)
    if rows_json != rows_csv:
        findings.insert(0, Finding(f"json_v2_0 has {rows_json:,} rows, csv_v2_0 has {rows_csv:,}", 0))
    return CheckResult.of(CROSS_CHECK, findings, severity=severity)


def no_witness(error: BillingPipelineError | None, severity: Severity) -> CheckResult:
    """What the cross-check says when there is nothing to compare with.

    Args:
        error: why the other file cannot be read; None if it was not delivered.
    """
    finding = f"csv_v2_0 cannot be read: {error.what}" if error else "the raw report has no csv_v2_0 file"
    return CheckResult.of(CROSS_CHECK, [Finding(finding, 0)], severity=severity)


def _compared_columns(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    columns = connection.execute(read_sql("warehouse/report_columns.sql")).fetchall()
    return [(name, kind) for name, kind in columns if name not in _NOT_COMPARED]


def _sums(
    connection: duckdb.DuckDBPyConnection,
    names: Sequence[str],
    rows: str,
    parameters: dict[str, Any] | None = None,
) -> tuple[int, int]:
    statement = read_sql("warehouse/cross_check_sums.sql").format(names=", ".join(names), rows=rows)
    count, total = connection.execute(statement, parameters).fetchone() or (0, None)
    return count, int(total or 0)


def _differences(
    connection: duckdb.DuckDBPyConnection,
    fragments: dict[str, str],
    parameters: dict[str, Any],
    names: Sequence[str],
    rows: int,
) -> list[Finding]:
    connection.execute(read_sql("warehouse/cross_check_hashed.sql").format(**fragments), parameters)
    slices = 1 + rows // _HASHES_AT_ONCE
    for slice_number in range(slices):
        connection.execute(
            read_sql("warehouse/cross_check_unequal.sql"), {"slices": slices, "slice": slice_number}
        )
    limit = {"pairs": _PAIRS_TOLD + 1}
    connection.execute(read_sql("warehouse/cross_check_first.sql"), limit)
    connection.execute(read_sql("warehouse/cross_check_differing.sql").format(**fragments), parameters)
    pairs = connection.execute(
        read_sql("warehouse/cross_check_pairs.sql").format(**fragments), limit
    ).fetchall()
    sum_of_excess = "SELECT sum(abs(excess))::BIGINT FROM temp.unequal_row"
    (unequal,) = connection.execute(sum_of_excess).fetchone() or (0,)
    for table in ("hashed_row", "unequal_row", "first_unequal_row", "differing_row"):
        connection.execute(f"DROP TABLE temp.{table}")
    # Of rows that are repeated, each stands beside each of its like.
    findings = list(dict.fromkeys(_finding(names, pair) for pair in pairs[:_PAIRS_TOLD]))
    if len(pairs) > _PAIRS_TOLD:
        told = f"{unequal:,} rows of the two files have no equal in the other"
        findings.append(Finding(told, max(unequal - len(findings), 0)))
    return findings


def _finding(names: Sequence[str], pair: Sequence[Any]) -> Finding:
    json_row, csv_row, *values = pair
    in_json, in_csv = values[: len(names)], values[len(names) :]
    place = f"row {json_row} of json_v2_0" if json_row is not None else f"row {csv_row} of csv_v2_0"
    subject = dict(zip(names, in_json if json_row is not None else in_csv, strict=True))
    told = (
        f"{place}: {subject['offering_item']} of tenant {subject['tenant_id']} "
        f"({subject['tenant_name'] or 'no name'})"
    )
    if csv_row is None:
        return Finding(f"{told} is not in csv_v2_0", 1)
    if json_row is None:
        return Finding(f"{told} is not in json_v2_0", 1)
    different = [
        f"{name} {_text(ours)}, in csv_v2_0 {_text(theirs)}"
        for name, ours, theirs in zip(names, in_json, in_csv, strict=True)
        if ours != theirs
    ]
    return Finding(
        f"{told}" + (f": {'; '.join(different)}" if different else " is not in both files equally often"), 1
    )


def _text(value: Any) -> str:
    if value is None:
        return "nothing"
    return format(value, "f") if isinstance(value, Decimal) else str(value)
