"""`python -m benchmarks.ways.charges <warehouse> <folder> <step>`: one step of `benchmarks.charges`."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from benchmarks.inputs import PERIOD
from billing_pipeline.charges import close_period
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.warehouse import WarehouseFile

_QUERIES = {
    "count": "SELECT count(*) FROM billable_usage WHERE billing_period = $month",
    "charges": "SELECT count(*), sum(amount) FROM charge_in($month::DATE)",
}


def main(folder: Path, step: str) -> str:
    """Do it.

    Returns:
        Seconds, and rows.
    """
    warehouse, period = WarehouseFile(folder), BillingPeriod.parse(PERIOD)
    began = time.perf_counter()
    if step == "close":
        rows = sum(total.lines for total in close_period(warehouse, period).frozen)
    else:
        with warehouse.reading() as connection:
            (rows, *_) = connection.execute(_QUERIES[step], {"month": period.start}).fetchone() or (0,)
    return f"{time.perf_counter() - began:.3f} {rows:,}"


if __name__ == "__main__":
    print(main(Path(sys.argv[2]), sys.argv[3]))
