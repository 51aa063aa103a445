"""The assets, one file each, in the order of their dependencies."""

from billing_pipeline.orchestration.assets.raw_report import raw_report
from billing_pipeline.orchestration.assets.report_request import report_request
from billing_pipeline.orchestration.assets.stored_report import stored_report
from billing_pipeline.orchestration.assets.usage import usage

ASSETS = (report_request, stored_report, raw_report, usage)
"""Each makes one asset of an account."""

ASSET_NAMES = ("report_request", "stored_report", "raw_report", "usage")
"""Last parts of the assets' keys, in the same order."""

__all__ = ["ASSETS", "ASSET_NAMES", "raw_report", "report_request", "stored_report", "usage"]
