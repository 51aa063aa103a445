"""The assets of an account, in the order of their dependencies."""

from billing_pipeline.orchestration.assets.report import raw_report, report_request, stored_report
from billing_pipeline.orchestration.assets.usage import usage

ASSETS = {
    "report_request": report_request,
    "stored_report": stored_report,
    "raw_report": raw_report,
    "usage": usage,
}
"""What makes each asset, by the last part of its key."""
