"""The life of one report: requested, awaited, downloaded, resumed. Knows the API and the files only."""

from billing_pipeline.landing import latest_raw_report
from billing_pipeline.ordering.awaiting import UNANSWERED_REQUESTS, await_stored_reports
from billing_pipeline.ordering.downloading import download_report
from billing_pipeline.ordering.progress import Progress
from billing_pipeline.ordering.requesting import mark_refused, request_report
from billing_pipeline.ordering.waiting import WaitStoppedError

__all__ = [
    "UNANSWERED_REQUESTS",
    "Progress",
    "WaitStoppedError",
    "await_stored_reports",
    "download_report",
    "latest_raw_report",
    "mark_refused",
    "request_report",
]
