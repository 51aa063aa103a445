"""A report of many batches, stored by all threads: every row once, each at its own position."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import duckdb
import pytest

from billing_pipeline.loading.replace import replace_period
from billing_pipeline.normalize import JsonReport
from billing_pipeline.reports import ReportParameters
from billing_pipeline.sandbox import render_report
from billing_pipeline.sandbox.distributor import Distributor
from billing_pipeline.sandbox.report_rows import ReportSelection, report_rows
from billing_pipeline.sandbox.windows import Window
from billing_pipeline.sql_files import ROW_GROUP
from billing_pipeline.warehouse import Warehouse, WarehouseFile
from billing_pipeline_tests.warehouse.reports import SEPTEMBER, Report, attempt, query

pytestmark = pytest.mark.slow

DISTRIBUTOR = Distributor(11, 1500)
SELECTION = ReportSelection(
    tenant_id=DISTRIBUTOR.root.id, period=Window.of_month(SEPTEMBER.key), hide_zero_usage=True, show_skus=True
)


def write(path: Path, layout: str) -> None:
    path.write_bytes(rendered(layout))


@cache
def rendered(layout: str) -> bytes:
    generated_at = datetime(2026, 10, 2, tzinfo=UTC)
    return b"".join(render_report("json_v2_0", DISTRIBUTOR, SELECTION, generated_at, layout))


@cache
def expected_rows() -> list[tuple[object, ...]]:
    return [
        (tenant.id, row.item.name, row.absolute_production, row.absolute_trial, row.delta_production)
        for tenant, rows in report_rows(DISTRIBUTOR, SELECTION)
        for row in rows
    ]


@pytest.mark.parametrize("layout", ["flat", "grouped"])
def test_load__report_of_many_batches__every_row_in_place(
    tmp_path: Path, warehouse: Warehouse, layout: str
) -> None:
    path = tmp_path / "report.json"
    write(path, layout)
    expected = expected_rows()
    requested = ReportParameters(DISTRIBUTOR.root.id, SEPTEMBER, "usage_summary", "direct_partners")

    with JsonReport(path, requested, tmp_path / "work") as report:
        assert len(list((tmp_path / "work").glob("report-*"))) == 1
        replace_period(warehouse, report, attempt(Report([])), cross_check_mode="off")

    found = query(
        warehouse,
        "SELECT tenant_id::VARCHAR AS tenant_id, offering_item, absolute_production, absolute_trial,"
        " delta_production, report_row FROM usage ORDER BY report_row",
    )
    assert [row.pop("report_row") for row in found] == list(range(1, len(expected) + 1))
    assert [tuple(row.values()) for row in found] == expected
    assert len(expected) > 40_000
    assert list((tmp_path / "work").iterdir()) == []


def test_load__file_with_larger_row_groups__is_continued(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    write(path, "flat")
    rows = len(expected_rows())
    warehouse = WarehouseFile(tmp_path)

    def load_september() -> None:
        with JsonReport(path, None, tmp_path / "work") as report:
            replace_period(warehouse, report, attempt(Report([])), cross_check_mode="off")

    load_september()
    warehouse.path.chmod(0o644)
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute("CREATE TEMP TABLE september AS FROM usage; DELETE FROM usage")
        connection.execute(
            "INSERT INTO usage SELECT * REPLACE (DATE '2026-08-01' AS billing_period) FROM september"
        )
        connection.execute("INSERT INTO usage FROM september; CHECKPOINT")
        storage = "SELECT max(count) FROM pragma_storage_info('usage')"
        (rows_of_largest_group,) = connection.execute(storage).fetchone() or (0,)
    assert rows_of_largest_group > ROW_GROUP

    load_september()
    load_september()

    counted = query(
        warehouse,
        "SELECT count(*) AS row_count, count(DISTINCT report_row) AS places, max(report_row) AS last_place"
        " FROM usage GROUP BY billing_period",
    )
    assert counted == [{"row_count": rows, "places": rows, "last_place": rows}] * 2
