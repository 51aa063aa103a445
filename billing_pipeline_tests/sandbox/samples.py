"""Writes the sample reports: `python -m billing_pipeline_tests.sandbox.samples data/samples`.

The distributor was chosen because its 153 rows show everything that a report can contain: all four ways of
stating a SKU, several storages, a partner's own storage, trial, negative deltas, prices, quotas, and compute
points that are rounding ties.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from billing_pipeline.sandbox.distributor import Distributor
from billing_pipeline.sandbox.report_files import render_report
from billing_pipeline.sandbox.report_rows import ReportSelection
from billing_pipeline.sandbox.windows import Window

SAMPLE_SEED = 6072
SAMPLE_TENANTS = 2
SAMPLE_PERIOD = "2026-09"
_FILES = {
    "json_v2_0.json": ("json_v2_0", "flat"),
    "json_v2_0_grouped.json": ("json_v2_0", "grouped"),
    "csv_v2_0.csv": ("csv_v2_0", "flat"),
}


def write_samples(folder: Path) -> list[Path]:
    """Write one report in every form; the same bytes each time.

    Args:
        folder: an existing folder.

    Returns:
        The files.
    """
    distributor = Distributor(SAMPLE_SEED, SAMPLE_TENANTS)
    window = Window.of_month(SAMPLE_PERIOD)
    selection = ReportSelection(
        tenant_id=distributor.root.id, period=window, hide_zero_usage=True, show_skus=True
    )
    generated_at = datetime(2026, 10, 2, 7, tzinfo=UTC)
    for name, (report_format, layout) in _FILES.items():
        with (folder / name).open("wb") as file:
            file.writelines(render_report(report_format, distributor, selection, generated_at, layout))
    return [folder / name for name in _FILES]


if __name__ == "__main__":
    for path in write_samples(Path(sys.argv[1])):
        print(path)
