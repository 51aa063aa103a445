"""`make bench`: prints the figures of README.md's table, measured side by side in one run."""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Sequence
from pathlib import Path

import duckdb
from tabulate import tabulate

from benchmarks.among import MONTHS, warehouse_of_many_months
from benchmarks.inputs import LAYOUTS, PERIOD, Input, make_input
from benchmarks.measuring import Figures, Run, run_once

# The slowest way is run on a smaller report, and compared by the time that a row takes.
_SLOW = {"dlt_way": 20}
_NAMES = {
    "ours": "this project",
    "limit": "DuckDB alone, lines",
    "polars_way": "polars",
    "pandas_way": "pandas json_normalize",
    "dlt_way": "dlt",
}
_FEW_ROWS = 300


def main() -> None:
    """Measure, and print."""
    options = _options()
    folder: Path = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    print(
        f"DuckDB {duckdb.__version__}, Python {platform.python_version()}, {os.cpu_count()} processors, "
        f"medians of {options.runs} runs, whole processes"
    )
    for layout in options.layouts:
        print(f"\nFrom the raw report to the published month, {layout} layout")
        print(_compared(folder, layout, options.rows, options.runs, options.ways))
    print("\nCost by size: this project, flat layout")
    print(_by_size(folder, options.sizes, options.runs))
    print(f"\nOne month of {options.month_rows:,} rows replaced, flat layout")
    print(_among_many(folder, options.month_rows, options.runs))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--rows", type=int, default=1_000_000, help="rows of the report (default: %(default)s)"
    )
    parser.add_argument("--runs", type=int, default=3, help="runs of each way (default: %(default)s)")
    parser.add_argument("--layouts", nargs="+", choices=LAYOUTS, default=LAYOUTS)
    parser.add_argument("--ways", nargs="+", choices=_NAMES, default=list(_NAMES))
    parser.add_argument(
        "--sizes",
        nargs="*",
        type=int,
        default=[100_000, 1_000_000, 4_000_000],
        help="rows of the reports that show how cost grows (default: %(default)s)",
    )
    parser.add_argument("--month-rows", type=int, default=100_000, help="rows of each of 36 months")
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path("data/benchmarks"),
        help="where the reports are made and kept (default: %(default)s)",
    )
    return parser.parse_args()


def _run(way: str, source: Input, folder: Path) -> Run:
    return run_once(way, source.lines if way == "limit" else source.report, folder, PERIOD)


def _compared(folder: Path, layout: str, rows: int, runs: int, ways: Sequence[str]) -> str:
    sources = {way: make_input(folder, layout, rows // _SLOW.get(way, 1)) for way in ways}
    found: dict[str, list[Run]] = {way: [] for way in ways}
    for _ in range(runs):  # interleaved, so that other load on the machine affects all of them
        for way in ways:
            found[way].append(_run(way, sources[way], folder))
    figures = {way: Figures.of(its_runs) for way, its_runs in found.items()}
    per_row = {way: figures[way].seconds / sources[way].rows for way in ways}
    return tabulate(
        [
            [
                _NAMES[way],
                f"{sources[way].rows:,}",
                f"{figures[way].seconds:.2f}",
                f"{figures[way].cpu_seconds:.2f}",
                f"{figures[way].peak_mib:,.0f}",
                f"{per_row[way] * 1e6:.2f}",
                f"{per_row[way] / per_row['limit']:.2f}" if "limit" in per_row else "",
                f"{per_row[way] / per_row['ours']:.2f}" if "ours" in per_row else "",
            ]
            for way in ways
        ],
        ["way", "rows", "s", "CPU s", "peak MiB", "µs a row", "÷ limit", "÷ ours"],
        disable_numparse=True,
        colalign=["left", *["right"] * 7],
    )


def _by_size(folder: Path, sizes: Sequence[int], runs: int) -> str:
    """Cost of a row beyond the start-up, which is the time of a report with hardly any rows."""
    measured = {}
    for size in (_FEW_ROWS, *sizes):
        source = make_input(folder, "flat", size)
        measured[source.rows] = Figures.of([_run("ours", source, folder) for _ in range(runs)])
    few = min(measured)
    start_up = measured[few].seconds
    table = [
        [
            f"{each:,}",
            f"{figures.seconds:.2f}",
            f"{figures.peak_mib:,.0f}",
            f"{(figures.seconds - start_up) / each * 1e6:.2f}" if each > few else "",
        ]
        for each, figures in measured.items()
    ]
    return tabulate(
        table,
        ["rows", "s", "peak MiB", f"µs a row beyond {start_up:.2f} s"],
        disable_numparse=True,
        colalign=["right"] * 4,
    )


def _among_many(folder: Path, rows: int, runs: int) -> str:
    source = make_input(folder, "flat", rows)
    full = warehouse_of_many_months(folder, source)
    empty: list[Run] = []
    among: list[Run] = []
    for _ in range(runs):
        empty.append(_run("ours", source, folder))
        among.append(run_once("ours", source.report, folder, PERIOD, prepared={"warehouse.duckdb": full}))
    alone, beside = Figures.of(empty), Figures.of(among)
    return tabulate(
        [
            ["into an empty warehouse", f"{alone.seconds:.2f}", f"{alone.peak_mib:,.0f}", "1.00"],
            [
                f"among {MONTHS} months",
                f"{beside.seconds:.2f}",
                f"{beside.peak_mib:,.0f}",
                f"{beside.seconds / alone.seconds:.2f}",
            ],
        ],
        ["", "s", "peak MiB", "ratio"],
        disable_numparse=True,
        colalign=["left", *["right"] * 3],
    )


if __name__ == "__main__":
    main()
