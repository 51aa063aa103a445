"""A report of any size is written in bounded memory."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime

import pytest

from billing_pipeline.sandbox import ReportOptions, write_report
from billing_pipeline.sandbox.distributor import Distributor
from billing_pipeline.sandbox.report_rows import ReportSelection
from billing_pipeline.sandbox.windows import Window

pytestmark = pytest.mark.slow


class _Counting:
    """Takes bytes and keeps their number only."""

    def __init__(self) -> None:
        self.size = 0
        self.rows = 0

    def write(self, data: bytes) -> int:
        self.size += len(data)
        self.rows += data.count(b'"is_range"')
        return len(data)


def _peak_and_rows(tenants: int) -> tuple[int, int]:
    distributor = Distributor(1, tenants)
    window = Window.of_month("2026-09")
    selection = ReportSelection(distributor.root.id, window, hide_zero_usage=True)
    json_file, csv_file = _Counting(), _Counting()
    destinations = {"json_v2_0": json_file, "csv_v2_0": csv_file}
    options = ReportOptions(datetime(2026, 10, 2, tzinfo=UTC), show_skus=True)
    tracemalloc.start()
    write_report(destinations, distributor, selection, options)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak, json_file.rows


def test_write_report__many_more_rows__no_more_memory() -> None:
    small_peak, small_rows = _peak_and_rows(150)
    large_peak, large_rows = _peak_and_rows(1000)
    assert large_rows > 5 * small_rows
    assert large_rows > 20 * 1000
    assert large_peak < small_peak + 4 * 2**20
    assert large_peak < 12 * 2**20
