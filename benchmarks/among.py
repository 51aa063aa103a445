"""A warehouse that already holds three years, to replace one month in."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb

from benchmarks.inputs import PERIOD, Input
from benchmarks.prepared import prepared_warehouse
from billing_pipeline.periods import BillingPeriod

MONTHS = 36


def warehouse_of_many_months(folder: Path, source: Input) -> Path:
    """`warehouse.duckdb` with this many copies of the input's month, the month itself included."""
    made = folder / f"{source.report.stem}-{MONTHS}-months.duckdb"
    return prepared_warehouse(made, source, _copy_month)


def _copy_month(folder: Path) -> None:
    period = BillingPeriod.parse(PERIOD)
    warehouse = folder / "warehouse.duckdb"
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
