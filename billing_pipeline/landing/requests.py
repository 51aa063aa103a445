"""`requests/<period>.json`: what was ordered for a period, and what became of it.

Written before and after every step that costs something, so that a run that dies at any moment is
continued by the next one instead of ordering a report twice. Meant to be read by people, too.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from billing_pipeline.errors import RawReportError
from billing_pipeline.identifiers import api_id
from billing_pipeline.landing.atomic import explained, remove_partial_files, whole_file
from billing_pipeline.periods import BillingPeriod

_REQUESTS_KEPT = 50

ApiId = Annotated[str, BeforeValidator(api_id)]


class Record(BaseModel):
    """What is kept in a file. An unknown key is refused: a newer version wrote the file."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")


class Outcome(StrEnum):
    """What became of a report, or of a request."""

    OPEN = "open"
    LOADED = "loaded"
    FAILED = "failed"
    GONE = "gone"
    REFUSED = "refused"
    SUPERSEDED = "superseded"


class StoredFile(Record):
    """A stored report as last seen: one file of a report.

    `status` is the API's word; `size` in bytes, as the API says.
    """

    report_format: str
    status: str
    stored_report_id: ApiId | None = None
    size: int | None = None
    created_at: AwareDatetime | None = None


class OrderedReport(Record):
    """A report that was made for a request.

    `origin` tells whether the POST's answer arrived (`created`), or the report was found later in the
    tenant's list because the answer was lost (`adopted`). `waited_seconds` is the time spent waiting for it,
    `failed_downloads` the number of runs that could not download it.
    """

    report_id: ApiId
    requested_at: AwareDatetime
    origin: Literal["created", "adopted"]
    generation_date: date | None = None
    stored: tuple[StoredFile, ...] = ()
    ready_at: AwareDatetime | None = None
    waited_seconds: float = 0.0
    outcome: Outcome = Outcome.OPEN
    reason: str | None = None
    failed_downloads: int = 0


class PostIntent(Record):
    """Written before a POST: if its answer is lost, a report that is not in the list may be ours.

    `known_report_ids` is None where the API client may not list the tenant's reports.
    """

    recorded_at: AwareDatetime
    known_report_ids: tuple[ApiId, ...] | None = None


class ReportRequest(Record):
    """One request for a period's usage: an order, and the reports made for it (the last one counts).

    `order` is the body of POST /reports exactly as sent.
    """

    period: str
    api_base_url: str
    order: dict[str, Any]
    opened_at: AwareDatetime
    intent: PostIntent | None = None
    reports: tuple[OrderedReport, ...] = ()
    outcome: Outcome = Outcome.OPEN
    reason: str | None = None
    closed_at: AwareDatetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether the next run continues it."""
        return self.outcome is Outcome.OPEN

    @property
    def report(self) -> OrderedReport | None:
        """The report that counts; None before the first POST was answered."""
        return self.reports[-1] if self.reports else None

    @property
    def report_id(self) -> str | None:
        """Its id."""
        return self.reports[-1].report_id if self.reports else None

    @property
    def formats(self) -> tuple[str, ...]:
        """The formats ordered."""
        return tuple(self.order["parameters"]["formats"])

    @property
    def is_ready(self) -> bool:
        """Whether every format ordered was seen saved."""
        return self.report is not None and self.report.ready_at is not None

    def with_report(self, **changes: Any) -> Self:
        """The same with changes to the report that counts."""
        last = self.reports[-1].model_copy(update=changes)
        return self.model_copy(update={"reports": (*self.reports[:-1], last)})

    def closed(self, outcome: Outcome, reason: str | None = None) -> Self:
        """The same, not to be continued; the report that counts shares its fate."""
        closed = self
        if self.report is not None and self.report.outcome is Outcome.OPEN:
            closed = self.with_report(outcome=outcome, reason=reason)
        changes = {"outcome": outcome, "reason": reason, "closed_at": datetime.now(UTC), "intent": None}
        return closed.model_copy(update=changes)


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
        """The same with the latest request replaced."""
        return self.model_copy(update={"requests": (*self.requests[:-1], request)})

    def opened(self, request: ReportRequest) -> Self:
        """The same with another request at the end."""
        return self.model_copy(update={"requests": (*self.requests, request)[-_REQUESTS_KEPT:]})

    @property
    def reports(self) -> tuple[OrderedReport, ...]:
        """Every report that was made for the period, in the order in which they were requested."""
        return tuple(report for request in self.requests for report in request.reports)

    def refused_report_ids(self) -> dict[str, str]:
        """The reports whose content was refused, with the reason."""
        return {r.report_id: r.reason or "" for r in self.reports if r.outcome is Outcome.REFUSED}


def load_requests(data_dir: Path, period: BillingPeriod) -> PeriodRequests:
    """Read the file; without one, there were no requests.

    Raises:
        RawReportError: it cannot be read, or is not such a file.
    """
    path = requests_path(data_dir, period)
    with explained(path):
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
            todo="Move the file away and run it again; if a report was under way, another one is ordered.",
            period=period.key,
        ) from error


def save_requests(data_dir: Path, period: BillingPeriod, requests: PeriodRequests) -> None:
    """Write the file, atomically. Only for the holder of the period's lock.

    Raises:
        RawReportError: it cannot be written; the old one is as it was.
    """
    path = requests_path(data_dir, period)
    remove_partial_files(path.parent, path.name)
    with whole_file(path) as file:
        file.write(requests.model_dump_json(indent=2, exclude_none=True).encode() + b"\n")


def requests_path(data_dir: Path, period: BillingPeriod) -> Path:
    """`<data>/requests/<period>.json`."""
    return data_dir / "requests" / f"{period}.json"


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(str(part) for part in problem['loc']) or 'the file'}: {problem['msg']}"[:200]
