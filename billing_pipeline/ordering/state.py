"""`requests/<period>.json`: the requests for a period, their reports, and the outcome of each.

Written before and after every API call that creates or consumes something, so that the next run resumes after
a crash instead of requesting a second report. Readable by people, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import AwareDatetime, ValidationError, ValidationInfo, model_validator

from billing_pipeline.errors import RawReportError
from billing_pipeline.files import atomic_write, remove_partial_files, reporting_io_errors
from billing_pipeline.landing import Manifest, RawReport, read_manifests, verified
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


class RequestedReport(Record):
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


class ReportRequest(Record):
    """A request for a period's usage, and the reports created for it, of which the last one counts."""

    parameters: ReportParameters
    api_base_url: str
    opened_at: AwareDatetime
    intent: PostIntent | None = None
    reports: tuple[RequestedReport, ...] = ()
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

    def with_report(self, **changes: Any) -> Self:
        """A copy with changes to the report that counts."""
        last = self.reports[-1].model_copy(update=changes)
        return self.model_copy(update={"reports": (*self.reports[:-1], last)})

    def closed(self, outcome: Outcome, reason: str | None = None) -> Self:
        """A closed copy, which no run continues; an open report gets the same outcome."""
        closed = self
        if self.report is not None and self.report.outcome is Outcome.OPEN:
            closed = self.with_report(outcome=outcome, reason=reason)
        changes = {"outcome": outcome, "reason": reason, "closed_at": datetime.now(UTC), "intent": None}
        return closed.model_copy(update=changes)

    def with_outcome(self, report_id: str, outcome: Outcome, reason: str | None = None) -> Self:
        """A copy in which one of the reports has this outcome; the request closes if that report counts."""
        reports = tuple(
            each.model_copy(update={"outcome": outcome, "reason": reason})
            if each.report_id == report_id
            else each
            for each in self.reports
        )
        changed = self.model_copy(update={"reports": reports})
        is_counted = changed.is_open and changed.report_id == report_id
        return changed.closed(outcome, reason) if is_counted else changed


class PeriodRequests(Record):
    """The file: every request for the period, the oldest first."""

    schema_version: Literal[1] = 1
    period: str
    requests: tuple[ReportRequest, ...] = ()

    @model_validator(mode="after")
    def _is_of_this_period(self, info: ValidationInfo) -> Self:
        if info.context is not None and self.period != info.context:
            raise ValueError(f"it is about {self.period}")
        return self

    @property
    def latest(self) -> ReportRequest | None:
        """The request that counts."""
        return self.requests[-1] if self.requests else None

    def replaced(self, request: ReportRequest) -> Self:
        """A copy with the latest request replaced."""
        return self.model_copy(update={"requests": (*self.requests[:-1], request)})

    def opened(self, request: ReportRequest) -> Self:
        """A copy with another request at the end."""
        return self.model_copy(update={"requests": (*self.requests, request)[-_REQUESTS_KEPT:]})

    @property
    def reports(self) -> tuple[RequestedReport, ...]:
        """Every report created for the period, in the order of the requests."""
        return tuple(report for request in self.requests for report in request.reports)

    def find(self, report_id: str) -> tuple[ReportRequest, RequestedReport] | None:
        """The request of a report, and the report; None if the file does not have it."""
        for request in self.requests:
            for report in request.reports:
                if report.report_id == report_id:
                    return request, report
        return None


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
        problem = _first_problem(error)
        raise RawReportError(
            f"{path} is not the state of this period's requests ({problem})",
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


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(str(part) for part in problem['loc']) or 'the file'}: {problem['msg']}"[:200]


@dataclass(frozen=True, slots=True)
class ReportToLoad:
    """The report that counts for a period: downloaded completely, verified, and not refused.

    Args:
        raw: the raw report.
        request: the request that the report was created for; None if the state file does not list it.
        requested: the report as the state file lists it.
    """

    raw: RawReport
    request: ReportRequest | None
    requested: RequestedReport | None


def report_to_load(data_dir: Path, period: BillingPeriod) -> ReportToLoad:
    """Find the raw report that was requested last and was not refused; needs no network.

    The state file has the order of the requests, independent of the clock. A raw report that it does not
    list, for example after a restore, is ordered by the time in its manifest. One with a damaged manifest
    counts as the newest, so that the damage is reported instead of an older report loaded.

    Raises:
        RawReportError: there is no such report, or it is damaged.
    """
    requests = load_requests(data_dir, period)
    refused = {each.report_id for each in requests.reports if each.outcome is Outcome.REFUSED}
    found = read_manifests(data_dir, period)
    candidates = {folder: manifest for folder, manifest in found.items() if folder.name not in refused}
    if not candidates:
        suffix = f"; refused: {', '.join(sorted(refused))}" if found else ""
        raise RawReportError(
            f"there is no raw report to load below {data_dir / 'raw' / period.key}{suffix}",
            todo=f"Download it first: billing-pipeline run --period {period}.",
            period=period.key,
        )
    downloaded = {folder.name for folder in candidates}
    listed = [each.report_id for each in requests.reports if each.report_id in downloaded]
    superseded = set(listed[:-1])
    folder = max(
        (each for each in candidates if each.name not in superseded),
        key=lambda each: (_requested_at(candidates[each]), each.name),
    )
    request, requested = requests.find(folder.name) or (None, None)
    return ReportToLoad(verified(folder, period), request, requested)


def _requested_at(manifest: Manifest | None) -> datetime:
    return datetime.max.replace(tzinfo=UTC) if manifest is None else manifest.requested_at


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
    found = requests.find(report_id)
    if found is None or found[1].outcome in {outcome, Outcome.LOADED}:
        return
    changed = tuple(each.with_outcome(report_id, outcome, reason) for each in requests.requests)
    save_requests(data_dir, period, requests.model_copy(update={"requests": changed}))
