"""`requests/<period>.json`: the requests for a period, their reports, and the outcome of each.

Written before and after every API call that creates or consumes something, so that the next run resumes after
a crash instead of requesting a second report. Readable by people, too.
"""

from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Literal, Self

from pydantic import AwareDatetime, Field, ValidationError, ValidationInfo, model_validator

from billing_pipeline.errors import RawReportError
from billing_pipeline.files import atomic_write, remove_partial_files, reporting_io_errors
from billing_pipeline.landing import RawReport, sealed_folders, verified
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.reports import ApiId, Record, ReportParameters

_REQUESTS_KEPT = 50


class Outcome(StrEnum):
    """The outcome of a report, or of a request; `open` until there is one."""

    OPEN = "open"
    LOADED = "loaded"
    FAILED = "failed"
    GONE = "gone"
    REFUSED = "refused"
    SUPERSEDED = "superseded"


class StoredFile(Record):
    """A stored report as last polled: one file of a report.

    `status` is the API's word; `size` is in bytes, as the API says.
    """

    report_format: str
    status: str
    stored_report_id: ApiId | None = None
    size: int | None = None
    created_at: AwareDatetime | None = None


class RequestedReport(Record, frozen=False):
    """A report that Acronis created for a request.

    `origin` is `created` if the answer to the POST arrived, and `adopted` if the answer was lost and the
    report was found in the tenant's list. `failed_downloads` is the number of runs that could not download
    it.
    """

    report_id: ApiId
    requested_at: AwareDatetime
    origin: Literal["created", "adopted"]
    generation_date: date | None = None
    stored: tuple[StoredFile, ...] = ()
    ready_at: AwareDatetime | None = None
    outcome: Outcome = Outcome.OPEN
    reason: str | None = None
    failed_downloads: int = 0

    @property
    def wait_seconds(self) -> float | None:
        """Seconds from the request to its readiness; None while it is not ready."""
        return (self.ready_at - self.requested_at).total_seconds() if self.ready_at else None


class PostIntent(Record):
    """Written before a POST: if the answer is lost, a report that is not in the list may be ours.

    `known_report_ids` is None where the API client may not list the tenant's reports.
    """

    recorded_at: AwareDatetime
    known_report_ids: tuple[ApiId, ...] | None = None


class ReportRequest(Record, frozen=False):
    """A request for a period's usage, and the reports created for it, of which the last one counts."""

    parameters: ReportParameters
    api_base_url: str
    opened_at: AwareDatetime
    intent: PostIntent | None = None
    reports: list[RequestedReport] = Field(default_factory=list)
    outcome: Outcome = Outcome.OPEN
    reason: str | None = None
    closed_at: AwareDatetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether the next run continues the request."""
        return self.outcome is Outcome.OPEN

    @property
    def report(self) -> RequestedReport | None:
        """The report that counts; None before the first POST was answered."""
        return self.reports[-1] if self.reports else None

    @property
    def report_id(self) -> str | None:
        """Id of the report that counts."""
        return self.reports[-1].report_id if self.reports else None

    @property
    def is_ready(self) -> bool:
        """Whether every requested format was seen saved."""
        return self.report is not None and self.report.ready_at is not None

    def close(self, outcome: Outcome, reason: str | None = None) -> None:
        """Close the request, so that no run continues it; an open report gets the same outcome."""
        if self.report is not None and self.report.outcome is Outcome.OPEN:
            self.report.outcome, self.report.reason = outcome, reason
        self.outcome, self.reason = outcome, reason
        self.intent, self.closed_at = None, datetime.now(UTC)


class PeriodRequests(Record, frozen=False):
    """The file: every request for the period, the oldest first."""

    schema_version: Literal[1] = 1
    period: str
    requests: list[ReportRequest] = Field(default_factory=list)

    @model_validator(mode="after")
    def _is_of_this_period(self, info: ValidationInfo) -> Self:
        if info.context is not None and self.period != info.context:
            raise ValueError(f"it is about {self.period}")
        return self

    @property
    def latest(self) -> ReportRequest | None:
        """The request that counts."""
        return self.requests[-1] if self.requests else None

    @property
    def reports(self) -> dict[str, tuple[ReportRequest, RequestedReport]]:
        """By id, every report created for the period, and its request, in the order of the requests."""
        return {
            report.report_id: (request, report) for request in self.requests for report in request.reports
        }

    def open(self, request: ReportRequest) -> None:
        """Add a request, which becomes the latest."""
        self.requests = [*self.requests, request][-_REQUESTS_KEPT:]


def load_requests(data_dir: Path, period: BillingPeriod) -> PeriodRequests:
    """Read the period's file; without a file, there were no requests.

    Raises:
        DataFolderError: the file cannot be read.
        RawReportError: the file is not the state of this period's requests.
    """
    path = requests_path(data_dir, period)
    with reporting_io_errors(path):
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return PeriodRequests(period=period.key)
    try:
        return PeriodRequests.model_validate_json(content, context=period.key)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in problem["loc"]) or "the file"
        raise RawReportError(
            f"{path} is not the state of this period's requests ({where}: {problem['msg'][:160]})",
            todo="Move the file away and run it again; if a report was under way, another one is requested.",
            period=period.key,
        ) from error


def save_requests(data_dir: Path, period: BillingPeriod, requests: PeriodRequests) -> None:
    """Write the period's file atomically. The caller must hold the period's lock.

    Raises:
        DataFolderError: the file cannot be written; the old one is unchanged.
    """
    path = requests_path(data_dir, period)
    remove_partial_files(path.parent, path.name)
    with atomic_write(path) as file:
        file.write(requests.model_dump_json(indent=2, exclude_none=True).encode() + b"\n")


def requests_path(data_dir: Path, period: BillingPeriod) -> Path:
    """`<data>/requests/<period>.json`."""
    return data_dir / "requests" / f"{period}.json"


def report_to_load(data_dir: Path, period: BillingPeriod) -> RawReport:
    """Find the raw report that was requested last and was not refused; needs no network.

    The state file has the order of the requests, independent of the clock. A raw report that it does not
    list, for example after a restore, is ordered by the time in its manifest. One with a damaged manifest
    counts as the newest, so that the damage is reported instead of an older report loaded.

    Raises:
        RawReportError: there is no such report, or it is damaged.
    """
    reports = load_requests(data_dir, period).reports
    refused = {report_id for report_id, (_, each) in reports.items() if each.outcome is Outcome.REFUSED}
    found = sealed_folders(data_dir, period)
    candidates = {folder.name: folder for folder in found if folder.name not in refused}
    if not candidates:
        suffix = f"; refused: {', '.join(sorted(refused))}" if found else ""
        raise RawReportError(
            f"there is no raw report to load below {data_dir / 'raw' / period.key}{suffix}",
            todo=f"Download it first: billing-pipeline run --period {period}.",
            period=period.key,
        )
    superseded = [report_id for report_id in reports if report_id in candidates][:-1]
    latest = max(candidates.keys() - superseded, key=lambda each: (found[candidates[each]], each))
    return verified(candidates[latest], period)


def record_outcome(
    data_dir: Path,
    period: BillingPeriod,
    report_id: str,
    outcome: Literal[Outcome.LOADED, Outcome.REFUSED],
    reason: str | None = None,
) -> None:
    """Record how the load of a report ended. The caller must hold the period's lock.

    A report that was loaded before stays `loaded` when it is refused later: only the settings are stricter,
    and its rows are still the published ones.

    Args:
        data_dir: the account's folder.
        period: the report's period.
        report_id: the report; nothing is recorded for one that the file does not list.
        outcome: `refused` makes the next run request another report.
        reason: why it was refused, one sentence; nothing secret.

    Raises:
        DataFolderError: the file cannot be written.
        RawReportError: the file is damaged.
    """
    requests = load_requests(data_dir, period)
    if report_id not in requests.reports:
        return
    request, report = requests.reports[report_id]
    if report.outcome in {outcome, Outcome.LOADED}:
        return
    report.outcome, report.reason = outcome, reason
    if request.is_open and request.report_id == report_id:
        request.close(outcome, reason)
    save_requests(data_dir, period, requests)
