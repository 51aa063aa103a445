"""`python -m benchmarks.charges`: what charges and a closing take, compared with counting the month's usage.

One month of 1,000,000 usage rows, 5,000 prices in 42 price lists, terms of 500 customers. Each step runs in a
process of its own on a copy of the same warehouse.
"""

from __future__ import annotations

import argparse
import csv
import os
import shutil
import statistics
from concurrent.futures import ProcessPoolExecutor
from itertools import count
from multiprocessing import get_context
from pathlib import Path

import duckdb
from tabulate import tabulate

from benchmarks.inputs import PERIOD, make_input
from benchmarks.measuring import Run, run_once
from benchmarks.ways import ours
from billing_pipeline.charges import PRICES_FOLDER, load_prices, write_template
from billing_pipeline.charges.price_files import PRICE_COLUMNS, TERMS_COLUMNS
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.warehouse import WarehouseFile

STEPS = {
    "count": "SELECT count(*) FROM billable_usage",
    "charges": "charges: lines and amount",
    "close": "close: all lines frozen",
}
_PRICES = 5_000
_CUSTOMERS = 500


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.charges", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path("data/benchmarks"))
    options = parser.parse_args()
    print(f"{os.cpu_count()} processors, load average {os.getloadavg()[0]:.1f} at the start")
    warehouse = _warehouse(options.folder, options.rows)
    runs: dict[str, list[Run]] = {step: [] for step in STEPS}
    for _ in range(options.runs):
        for step in STEPS:
            runs[step].append(
                run_once("charges", warehouse, options.folder, step, prepared={"warehouse.duckdb": warehouse})
            )
    counted = _inner_seconds(runs["count"])
    print(
        tabulate(
            [
                [
                    name,
                    runs[step][0].result.split()[1],
                    f"{_inner_seconds(runs[step]):.2f}",
                    f"{statistics.median(run.cpu_seconds for run in runs[step]):.2f}",
                    f"{statistics.median(run.peak_mib for run in runs[step]):,.0f}",
                    f"{_inner_seconds(runs[step]) / counted:.2f}",
                ]
                for step, name in STEPS.items()
            ],
            ["step", "rows", "s", "CPU s", "peak MiB", "÷ count"],
            disable_numparse=True,
            colalign=["left", *["right"] * 5],
        )
    )


def _inner_seconds(runs: list[Run]) -> float:
    """Without the start of the process, which would make the ratios look better than they are."""
    return statistics.median(float(run.result.split()[0]) for run in runs)


def _warehouse(folder: Path, rows: int) -> Path:
    """A warehouse with the month and its prices, made unless it exists already."""
    made = folder / f"charges-{rows}.duckdb"
    if not made.exists():
        # A child inherits its parent's peak memory, so this process keeps its own small.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
            apart.submit(_make, made, rows).result()
    return made


def _make(made: Path, rows: int) -> None:
    place = made.parent / "charges"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    period = BillingPeriod.parse(PERIOD)
    ours.main(make_input(made.parent, "flat", rows).report, place, period)
    warehouse = WarehouseFile(place)
    prices = place / PRICES_FOLDER
    prices.mkdir()
    with (prices / "template.csv").open("w", encoding="utf-8", newline="") as file:
        write_template(warehouse, period, file)
    with (prices / "template.csv").open(encoding="utf-8", newline="") as file:
        template = list(csv.DictReader(file))
    with (prices / "sell.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, PRICE_COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(_prices(template))
    lists = -(-_PRICES // len(template))
    with warehouse.reading() as connection:
        customers = connection.execute(
            f"SELECT DISTINCT tenant_id FROM billable_usage ORDER BY hash(tenant_id) LIMIT {_CUSTOMERS}"
        ).fetchall()
    with (prices / "customers.csv").open("w", encoding="utf-8", newline="") as file:
        rows_written = csv.writer(file, lineterminator="\n")
        rows_written.writerow(TERMS_COLUMNS)
        for number, (tenant,) in enumerate(customers):
            rows_written.writerow([tenant, f"list{number % (lists - 1) + 1}", "7.5", "25", PERIOD, "", ""])
    load_prices(warehouse, prices)
    warehouse.path.chmod(0o644)
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute("CHECKPOINT")
    warehouse.path.replace(made)
    shutil.rmtree(place)


def _prices(template: list[dict[str, str]]) -> list[dict[str, str]]:
    """The template in one price list after another, until there are enough prices."""
    prices: list[dict[str, str]] = []
    for number in count():
        for row in template:
            if len(prices) == _PRICES:
                return prices
            price = {"unit_price": "0.09", "currency": "EUR", "valid_from": PERIOD}
            prices.append(row | price | {"price_list": f"list{number}" if number else "standard"})
    raise AssertionError


if __name__ == "__main__":
    main()
