"""delta / 3600, rounded half away from zero to 2 decimals, exactly."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from billing_pipeline.sql_files import read_sql
from billing_pipeline_tests.normalize.loading import FIRST_DAY, load_json, report_of, usage_row
from billing_pipeline_tests.normalize.reference import compute_points

pytestmark = pytest.mark.duckdb


def points_of(seconds: list[int], folder: Path) -> list[Decimal]:
    """The compute points that rows with these seconds get."""
    row = usage_row(measurement_unit="seconds")
    usage = row["usage"]
    rows = [
        row | {"usage": usage | {"delta": {"production": value, "trial": 0, "total": value}}}
        for value in seconds
    ]
    loaded, _ = load_json(report_of(*rows), folder)
    assert all(row["dr_compute_points_production"] == row["dr_compute_points_total"] for row in loaded)
    assert all(row["dr_compute_points_trial"] == 0 for row in loaded)
    return [row["dr_compute_points_total"] for row in loaded]


# Worked by hand: a hundredth of a point is 36 seconds, so 18 seconds are half of one.
@pytest.mark.parametrize(
    ("seconds", "points"),
    [
        (0, "0"), (17, "0"), (18, "0.01"), (19, "0.01"), (35, "0.01"), (36, "0.01"),
        (53, "0.01"), (54, "0.02"),
        (-17, "0"), (-18, "-0.01"), (-53, "-0.01"), (-54, "-0.02"), (-55, "-0.02"),
        (3600, "1"), (3618, "1.01"), (-3618, "-1.01"), (1234567, "342.94"),
        (90, "0.03"), (162, "0.05"), (5238, "1.46"), (-5238, "-1.46"),
        (35999999999999999981, "9999999999999999.99"), (-35999999999999999981, "-9999999999999999.99"),
        (2**53 + 1, "2501999792983.61"), (2**63, "2562047788015215.50"),
    ],
)  # fmt: skip
def test_compute_points__known_seconds__known_points(tmp_path: Path, seconds: int, points: str) -> None:
    assert points_of([seconds], tmp_path) == [Decimal(points)]


def test_compute_points__every_remainder__equal_reference(tmp_path: Path) -> None:
    seconds = list(range(-3600, 3601)) + [10**15 + remainder for remainder in range(3600)]

    assert points_of(seconds, tmp_path) == [compute_points(value) for value in seconds]


def test_compute_points__other_units__are_null(tmp_path: Path) -> None:
    rows, _ = load_json(report_of(usage_row(measurement_unit="bytes"), usage_row()), tmp_path)

    assert {row["dr_compute_points_total"] for row in rows} == {None}


@pytest.mark.parametrize("unit", ["Seconds", "SECONDS", "seconds ", " seconds", "\tSeconds\n"])
def test_compute_points__seconds_in_other_case_or_with_blanks__are_seconds(tmp_path: Path, unit: str) -> None:
    report = report_of(usage_row(measurement_unit=unit), usage_row(measurement_unit="seconds"))

    rows, totals = load_json(report, tmp_path)

    assert rows[0] | {"report_row": 2} == rows[1]
    assert rows[0]["dr_compute_points_total"] is not None
    assert set(totals.sums) == {"seconds"}


@pytest.mark.parametrize("unit", [None, "", " ", "n/a", "N/A ", "Quantity"])
def test_load__unit_of_countable_items__is_quantity(tmp_path: Path, unit: str | None) -> None:
    rows, totals = load_json(report_of(usage_row(measurement_unit=unit)), tmp_path)

    assert [row["measurement_unit"] for row in rows] == ["quantity"]
    assert set(totals.sums) == {"quantity"}


@pytest.mark.parametrize("unit", ["second", "\u00a0", "s\u0435conds", "se conds"])
def test_compute_points__unit_nearly_seconds__is_null_and_listed(tmp_path: Path, unit: str) -> None:
    """It may be one that Acronis added; nobody should have to guess whether it was billed."""
    report = report_of(usage_row(), usage_row(measurement_unit=unit), usage_row(measurement_unit="seconds"))
    rows, totals = load_json(report, tmp_path)
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE usage"
            " (billing_period DATE, account TEXT, measurement_unit TEXT, offering_item TEXT)"
        )
        connection.executemany(
            "INSERT INTO usage VALUES ('2026-09-01', 'eu', ?, ?)",
            [(row["measurement_unit"], row["offering_item"]) for row in rows],
        )
        listed = connection.execute(
            read_sql("loading/checks/unknown_units.sql"), {"billing_period": FIRST_DAY, "account": "eu"}
        ).fetchall()

    assert [row["dr_compute_points_total"] is None for row in rows] == [True, True, False]
    assert listed == [(f"{unit}: pw_servers", 1, True)]
    assert set(totals.sums) == {"quantity", unit, "seconds"}
