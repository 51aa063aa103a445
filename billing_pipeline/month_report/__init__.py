"""The month's page: one self-contained HTML summary for a billing manager."""

from billing_pipeline.month_report.page import write_month_report

__all__ = ["write_month_report"]
