"""A raw report on disk as typed usage rows: exact, strictly checked, read by DuckDB.

with JsonReport(path, requested, work_dir) as report:
    for select in report.selects():
        connection.execute(f"INSERT INTO usage BY NAME {select}")
    totals = report.control_totals()
"""

from billing_pipeline.normalize.csv_report import CsvReport
from billing_pipeline.normalize.json_report import JsonReport
from billing_pipeline.normalize.refusals import UnknownLayoutError

__all__ = ["CsvReport", "JsonReport", "UnknownLayoutError"]
