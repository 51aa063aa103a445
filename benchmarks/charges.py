"""`python -m benchmarks.charges`: what charges and a closing take, compared with counting the month's usage.

One month of 1,000,000 usage rows, 5,000 prices in 42 price lists, terms of 500 customers. Each step runs in a
process of its own on a copy of the same warehouse.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import statistics
from collections.abc import Iterable
from itertools import count
from pathlib import Path

from tabulate import tabulate

from benchmarks.inputs import PERIOD, make_input
from benchmarks.measuring import Run, run_once
from benchmarks.prepared import prepared_warehouse
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
    source = make_input(options.folder, "flat", options.rows)
    made = options.folder / f"charges-{options.rows}.duckdb"
    warehouse = prepared_warehouse(made, source, _load_prices)
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


def _load_prices(folder: Path) -> None:
    """Prices for everything that is billed in the month, and terms for some of its customers."""
    warehouse = WarehouseFile(folder)
    template = io.StringIO()
    write_template(warehouse, BillingPeriod.parse(PERIOD), template)
    template.seek(0)
    items = list(csv.DictReader(template))
    lists = -(-_PRICES // len(items))
    with warehouse.reading() as connection:
        customers = connection.execute(
            f"SELECT DISTINCT tenant_id FROM billable_usage ORDER BY hash(tenant_id) LIMIT {_CUSTOMERS}"
        ).fetchall()
    terms = [
        (tenant, f"list{number % (lists - 1) + 1}", "7.5", "25", PERIOD, "", "")
        for number, (tenant,) in enumerate(customers)
    ]
    prices = folder / PRICES_FOLDER
    prices.mkdir()
    _write(prices / "sell.csv", PRICE_COLUMNS, map(dict.values, _prices(items)))
    _write(prices / "customers.csv", TERMS_COLUMNS, terms)
    load_prices(warehouse, prices)


def _write(path: Path, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([columns, *rows])


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
