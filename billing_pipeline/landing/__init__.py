"""What has been requested and downloaded, as files that a person can look at. Knows files only."""

from billing_pipeline.landing.period_lock import period_lock
from billing_pipeline.landing.raw_reports import (
    Manifest,
    RawFile,
    RawReport,
    find_raw_report,
    latest_raw_report,
    raw_folder,
)
from billing_pipeline.landing.requests import (
    OrderedReport,
    Outcome,
    PeriodRequests,
    ReportRequest,
    StoredFile,
    load_requests,
)

__all__ = [
    "Manifest",
    "OrderedReport",
    "Outcome",
    "PeriodRequests",
    "RawFile",
    "RawReport",
    "ReportRequest",
    "StoredFile",
    "find_raw_report",
    "latest_raw_report",
    "load_requests",
    "period_lock",
    "raw_folder",
]
