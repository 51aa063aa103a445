"""Every level and kind of report through `billing-pipeline run`, recomputed from the raw JSON in Python."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from pathlib import Path
from typing import Any, get_args

import pytest

from billing_pipeline.sandbox.offering import PLATFORM_OWNER_ID
from billing_pipeline.sandbox.report_rows import Kind, Level
from billing_pipeline.warehouse import WarehouseFile
from billing_pipeline_tests.harness.command_line import CliHarness
from billing_pipeline_tests.harness.recording_sandbox import RecordingSandbox
from billing_pipeline_tests.normalize import reference
from billing_pipeline_tests.warehouse.reports import query

pytestmark = pytest.mark.slow

FIRST, LAST = date(2026, 9, 1), date(2026, 9, 30)
# The first moment at which a report of kind `usage_current`, as of yesterday, covers September.
NOW = datetime(2026, 10, 1, 8, tzinfo=UTC)
EXACT = Context(prec=60)
DAILY = {"usage_daily", "usage_breakdown"}
Row = dict[str, Any]


@pytest.fixture(scope="module")
def distributor() -> Iterator[RecordingSandbox]:
    """Partners with sub-partners, a folder, customers with units; tenants that come, go and are on trial."""
    with RecordingSandbox(tenants=12, ready_after_seconds=0, now=lambda: NOW) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def small_distributor() -> Iterator[RecordingSandbox]:
    """Partners and customers with units, for the reports with thirty times the rows."""
    with RecordingSandbox(tenants=3, ready_after_seconds=0, now=lambda: NOW) as sandbox:
        yield sandbox


@pytest.mark.parametrize("kind", get_args(Kind))
@pytest.mark.parametrize("level", get_args(Level))
def test_run__each_level_and_kind__equals_the_raw_report(
    cli: CliHarness,
    distributor: RecordingSandbox,
    small_distributor: RecordingSandbox,
    level: str,
    kind: str,
) -> None:
    if kind in DAILY:
        distributor = small_distributor
    settings = {
        "ACRONIS_BASE_URL": distributor.base_url,
        "ACRONIS_REPORT_LEVEL": level,
        "ACRONIS_REPORT_KIND": kind,
    }

    done = cli.command("run", "--period", "2026-09", settings=settings)

    assert done.returncode == 0, done.stderr
    (raw,) = cli.data_dir.glob("raw/2026-09/*/json_v2_0.json")
    rows = reference.rows_of_json(raw.read_bytes(), FIRST, LAST)
    root = distributor.tenant_id
    billed = [row for row in rows if is_billed(row, root, level, kind)]
    warehouse = WarehouseFile(Path(cli.data_dir))
    found = query(warehouse, "FROM usage ORDER BY report_row")
    assert [{name: row[name] for name in rows[0] if name != "extra"} for row in found] == [
        {name: value for name, value in row.items() if name != "extra"} for row in rows
    ]
    lines = query(warehouse, "FROM billable_usage")
    assert len(lines) == len({line_key(line) for line in lines})
    assert {line_key(line): line_value(line) for line in lines} == bill(billed, root, level)
    assert (level == "all_partners") == (not billed)
    checks = query(warehouse, "SELECT check_name, passed, findings::VARCHAR AS findings FROM load_checks")
    expected_warnings = {"all_partners": {"level"}}.get(level, set()) | {"usage_daily": {"zero_deltas"}}.get(
        kind, set()
    )
    assert {check["check_name"] for check in checks if not check["passed"]} == expected_warnings
    (rules,) = query(
        warehouse,
        "SELECT sum(finding.usage_rows)::INTEGER AS all_rows,"
        " coalesce(sum(finding.usage_rows) FILTER (finding.finding LIKE 'billed: %'), 0)::INTEGER AS billed"
        ' FROM (SELECT unnest(from_json(findings, \'[{"finding": "VARCHAR", "usage_rows": "INTEGER"}]\'))'
        " AS finding FROM load_checks WHERE check_name = 'billing_rules')",
    )
    assert rules == {"all_rows": len(rows), "billed": len(billed)}
    assert sum(line["usage_rows"] for line in lines) == len(billed)


def is_billed(row: Row, root: str, level: str, kind: str) -> bool:
    """The documented rules: one level only, and of daily levels the last one."""
    is_own = str(row["tenant_id"]) == root
    of_level = {
        "direct_partners": not is_own,
        "itself": is_own,
        "all_partners": False,
        "all_customers": row["tenant_kind"] == "customer",
        "accounts": row["tenant_kind"] == "customer",
    }[level]
    return of_level and (row["is_range"] or kind not in DAILY or row["usage_date"] == LAST)


def bill(rows: list[Row], root: str, level: str) -> dict[tuple[Any, ...], tuple[Decimal, ...]]:
    """The lines of a bill: production, trial, total, and the number of rows."""
    sums: dict[tuple[Any, ...], list[Decimal]] = {}
    for row in rows:
        ownership = None
        if row["infra_id"] is not None:
            # A report of level itself does not say whose storages below the root tenant are.
            partners = str(row["infra_owner_id"]) == root if level == "itself" else True
            is_partners = partners and str(row["infra_owner_id"]) != PLATFORM_OWNER_ID
            ownership = "partner" if is_partners else "acronis"
        unit = {"seconds": "compute points", "bytes": "GiB"}.get(row["measurement_unit"], "count")
        measure = "delta" if row["is_range"] else "absolute"
        key = line_key(row | {"storage_ownership": ownership, "unit": unit})
        line = sums.setdefault(key, [Decimal(0)] * 4)
        for place, part in enumerate(("production", "trial", "total")):
            points = row[f"dr_compute_points_{part}"]
            line[place] += row[f"{measure}_{part}"] if points is None else points
        line[3] += 1
    return {key: (*in_unit(key[-1], values[:3]), values[3]) for key, values in sums.items()}


def in_unit(unit: str, values: list[Decimal]) -> Iterator[Decimal]:
    for value in values:
        yield EXACT.divide(value, 2**30).quantize(Decimal("1e-10"), ROUND_HALF_UP) if unit == "GiB" else value


def line_key(line: Row) -> tuple[Any, ...]:
    names = ("tenant_id", "application_name", "offering_item", "edition", "sku", "storage_ownership", "unit")
    return tuple(line[name] for name in names)


def line_value(line: Row) -> tuple[Decimal, ...]:
    return tuple(
        Decimal(line[name]) for name in ("quantity", "quantity_trial", "quantity_total", "usage_rows")
    )
