"""A month at a glance: one self-contained page that a billing manager opens in a browser."""

from billing_pipeline.month_report.page import write_month_report

__all__ = ["write_month_report"]
