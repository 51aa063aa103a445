"""The files that a report is copied into, for DuckDB to read."""

from __future__ import annotations

import time
from pathlib import Path

from billing_pipeline.normalize import JsonReport
from billing_pipeline_tests.normalize.loading import engine, report_of, usage_row


def test_they_are_removed_when_all_of_them_were_read(tmp_path: Path) -> None:
    path, work = tmp_path / "report.json", tmp_path / "work"
    path.write_bytes(report_of(*[usage_row()] * 9))

    with JsonReport(path, None, work, rows_of_a_part=2) as report:
        for select in report.selects():
            assert list(work.rglob("*.json"))
            engine().execute(f"SELECT count(*) FROM ({select})").fetchall()
        deadline = time.monotonic() + 30
        while list(work.rglob("*.json")):
            assert time.monotonic() < deadline
            time.sleep(0.01)
