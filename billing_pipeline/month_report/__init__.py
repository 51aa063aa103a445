"""The month's page: a summary for a billing manager in one HTML file, and CSV files beside it."""

from billing_pipeline.month_report.folder import remove_months, write_month, written_months
from billing_pipeline.month_report.page import write_month_report

__all__ = ["remove_months", "write_month", "write_month_report", "written_months"]
