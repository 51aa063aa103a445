"""The lifecycle of one report: request, poll, download, resume. Depends only on the API and the files."""

from billing_pipeline.ordering.backoff import WaitStoppedError
from billing_pipeline.ordering.download import download_report
from billing_pipeline.ordering.progress import Progress, ProgressCallback
from billing_pipeline.ordering.request import request_report, supersede_request
from billing_pipeline.ordering.state import report_to_load
from billing_pipeline.ordering.wait import await_stored_reports

__all__ = [
    "Progress",
    "ProgressCallback",
    "WaitStoppedError",
    "await_stored_reports",
    "download_report",
    "report_to_load",
    "request_report",
    "supersede_request",
]
