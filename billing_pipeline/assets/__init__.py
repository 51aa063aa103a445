"""The assets, one file each, in the order in which they follow from one another."""

from billing_pipeline.assets.raw_report import raw_report
from billing_pipeline.assets.report_request import report_request
from billing_pipeline.assets.stored_report import stored_report
from billing_pipeline.assets.usage import usage

ASSETS = (report_request, stored_report, raw_report, usage)
"""Each makes one asset of an account."""

__all__ = ["ASSETS", "raw_report", "report_request", "stored_report", "usage"]
