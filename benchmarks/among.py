"""A warehouse that already holds three years, to replace one month in."""

from __future__ import annotations

import shutil
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from multiprocessing import get_context
from pathlib import Path

import duckdb

from benchmarks.inputs import PERIOD, Input
from benchmarks.ways import ours
from billing_pipeline.periods import BillingPeriod

MONTHS = 36


def warehouse_of_many_months(folder: Path, source: Input) -> Path:
    """`warehouse.duckdb` with this many copies of the input's month, the month itself included."""
    made = folder / f"{source.report.stem}-{MONTHS}-months.duckdb"
    if not made.exists():
        # A child inherits its parent's peak memory, so this process keeps its own small.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
            apart.submit(_make, source.report, made).result()
    return made


def _make(report: Path, made: Path) -> None:
    place = made.parent / "months"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    period = BillingPeriod.parse(PERIOD)
    ours.main(report, place, period)
    warehouse = place / "warehouse.duckdb"
    warehouse.chmod(0o644)
    with duckdb.connect(str(warehouse)) as connection:
        for _ in range(MONTHS - 1):
            period = period.previous()
            connection.execute(
                "INSERT INTO usage SELECT * REPLACE ($month AS billing_period) FROM usage "
                "WHERE billing_period = $original",
                {"month": period.start, "original": date(2026, 9, 1)},
            )
        connection.execute("CHECKPOINT")
    warehouse.replace(made)
    shutil.rmtree(place)
