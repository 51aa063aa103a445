"""HTTP client for the part of the Acronis account-management API that usage reports need."""

from billing_pipeline.acronis.body import BodyError
from billing_pipeline.acronis.client import AcronisClient, Download
from billing_pipeline.acronis.failures import ApiUnavailableError, HistoryNotReadyError
from billing_pipeline.acronis.models import Report, StoredReport, StoredReportStatus, Tenant
from billing_pipeline.acronis.report_parameters import differences, matches_exactly, request_body
from billing_pipeline.acronis.retries import RetryPolicy

__all__ = [
    "AcronisClient",
    "ApiUnavailableError",
    "BodyError",
    "Download",
    "HistoryNotReadyError",
    "Report",
    "RetryPolicy",
    "StoredReport",
    "StoredReportStatus",
    "Tenant",
    "differences",
    "matches_exactly",
    "request_body",
]
