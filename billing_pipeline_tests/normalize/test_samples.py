"""The sample reports of `data/samples`."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

from billing_pipeline.periods import BillingPeriod
from billing_pipeline.reports import ReportParameters
from billing_pipeline_tests.normalize import reference
from billing_pipeline_tests.normalize.loading import FIRST_DAY, LAST_DAY, load_csv, load_json

pytestmark = pytest.mark.duckdb

SAMPLES = Path(__file__).parents[2] / "data" / "samples"
OF_MARCH_2020 = ReportParameters(
    tenant_id=str(UUID(int=1)), period=BillingPeriod(2020, 3), kind="usage_current", level="direct_partners"
)


@pytest.mark.parametrize("name", ["json_v2_0.json", "json_v2_0_grouped.json"])
def test_load__json_samples__equal_reference(tmp_path: Path, name: str) -> None:
    content = (SAMPLES / name).read_bytes()

    rows, totals = load_json(content, tmp_path)

    assert rows == reference.rows_of_json(content, FIRST_DAY, LAST_DAY)
    assert (totals.rows, totals.sums) == reference.control_totals(rows)


def test_load__samples_of_one_report__have_the_same_rows(tmp_path: Path) -> None:
    flat = load_json((SAMPLES / "json_v2_0.json").read_bytes(), tmp_path)

    assert flat == load_json((SAMPLES / "json_v2_0_grouped.json").read_bytes(), tmp_path)
    assert flat == load_csv((SAMPLES / "csv_v2_0.csv").read_bytes(), tmp_path)
    assert len(flat[0]) > 50


def test_load_csv__real_sample__has_its_rows(tmp_path: Path) -> None:
    """26 rows of a real report of kind usage_current, from Acronis' own screenshot."""
    rows, totals = load_csv((SAMPLES / "csv_v2_0_usage_current.csv").read_bytes(), tmp_path, OF_MARCH_2020)

    assert (totals.rows, totals.sums) == reference.control_totals(rows)
    assert len(rows) == 26
    assert (rows[0]["offering_item"], rows[0]["delta_production"]) == ("euc_count", Decimal(-1))
    assert {row["measurement_unit"] for row in rows} == {"bytes", "seconds", "quantity"}
    assert {row["sku"] for row in rows} == {None}
