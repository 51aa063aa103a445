"""Warehouses that a benchmark starts from: one month of a report, changed, made once and kept."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from benchmarks.inputs import PERIOD, Input
from benchmarks.ways import ours
from billing_pipeline.periods import BillingPeriod


def prepared_warehouse(made: Path, source: Input, change: Callable[[Path], None]) -> Path:
    """`warehouse.duckdb` with the input's month, made unless it exists already.

    Args:
        made: the file.
        change: a function at the top level of its module, which changes the warehouse of a data folder.
    """
    if not made.exists():
        # A child inherits its parent's peak memory, so this process keeps its own small.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
            apart.submit(_make, made, source.report, change).result()
    return made


def _make(made: Path, report: Path, change: Callable[[Path], None]) -> None:
    place = made.with_suffix("")
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    ours.main(report, place, BillingPeriod.parse(PERIOD))
    change(place)
    (place / "warehouse.duckdb").replace(made)
    shutil.rmtree(place)
