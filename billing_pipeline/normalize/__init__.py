"""A raw report on disk as typed usage rows: exact, strictly checked, read by DuckDB.

with open_report(path, "json_v2_0", expected, work_dir=work_dir) as report:
    for select in report.selects():
        connection.execute(f"INSERT INTO usage BY NAME {select}")
    totals = report.control_totals()
"""

from __future__ import annotations

from pathlib import Path

from billing_pipeline.normalize.csv_report import CsvReport
from billing_pipeline.normalize.expectation import ExpectedReport
from billing_pipeline.normalize.json_report import JsonReport
from billing_pipeline.normalize.refusals import refused

__all__ = ["CsvReport", "ExpectedReport", "JsonReport", "open_report"]


def open_report(
    path: Path, report_format: str, expected: ExpectedReport | None, work_dir: Path
) -> JsonReport | CsvReport:
    """Open a raw report, and see whether it is the one that was ordered.

    Args:
        path: the file, as downloaded, not compressed.
        report_format: `json_v2_0` or `csv_v2_0`.
        expected: what was ordered; None takes any report.
        work_dir: folder for temporary files, as large as the report; removed when the report is closed.

    Raises:
        ReportRefusedError: the file is not a whole report of this format, or not the one that was ordered.
    """
    if report_format == "json_v2_0":
        return JsonReport(path, expected, work_dir)
    if report_format == "csv_v2_0":
        return CsvReport(path, expected)
    raise refused(f"{report_format} is not read; json_v2_0 and csv_v2_0 are")
