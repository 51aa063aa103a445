"""A report of any size is written in bounded memory."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime

import pytest

from billing_pipeline.sandbox import render_report
from billing_pipeline.sandbox.distributor import Distributor
from billing_pipeline.sandbox.report_rows import ReportSelection
from billing_pipeline.sandbox.windows import Window

pytestmark = pytest.mark.slow

ROW_MARKS = {"json_v2_0": b'"is_range"', "csv_v2_0": b"\r\n"}


def _peak_and_rows(report_format: str, tenants: int) -> tuple[int, int]:
    distributor = Distributor(1, tenants)
    window = Window.of_month("2026-09")
    selection = ReportSelection(
        tenant_id=distributor.root.id, period=window, hide_zero_usage=True, show_skus=True
    )
    tracemalloc.start()
    parts = render_report(report_format, distributor, selection, datetime(2026, 10, 2, tzinfo=UTC))
    rows = sum(part.count(ROW_MARKS[report_format]) for part in parts)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak, rows


@pytest.mark.parametrize("report_format", ROW_MARKS)
def test_render_report__many_more_rows__no_more_memory(report_format: str) -> None:
    small_peak, small_rows = _peak_and_rows(report_format, 60)
    large_peak, large_rows = _peak_and_rows(report_format, 400)
    assert large_rows > 5 * small_rows
    assert large_rows > 8 * 1000
    assert large_peak < small_peak + 4 * 2**20
    assert large_peak < 12 * 2**20
