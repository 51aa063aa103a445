"""Creating one report: the POST, and recovery from a lost answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from billing_pipeline.acronis import (
    AcronisClient,
    ApiUnavailableError,
    HistoryNotReadyError,
    Report,
    differences,
    matches_exactly,
)
from billing_pipeline.errors import ApiError, ReportNotReadyError, ReportRefusedError
from billing_pipeline.ordering.backoff import Backoff
from billing_pipeline.ordering.progress import Progress, ProgressCallback
from billing_pipeline.ordering.state import (
    Outcome,
    PeriodRequests,
    PostIntent,
    ReportRequest,
    RequestedReport,
    save_requests,
)
from billing_pipeline.reports import ReportParameters

MAX_LOST_ANSWERS = 3
"""Limit of POSTs with a lost answer before the run fails."""
ORPHAN_POLLS = 3
"""Polls of the tenant's list after a lost answer, because the report may appear a little later."""
MAX_ORPHANS_READ = 200
"""Unknown reports that are read to find the orphan among them."""
_NO_LISTING = {403, 404, 405, 501}


@dataclass
class ReportCreation:
    """Creates one report for the latest request, and records it. The caller must hold the period's lock.

    Args:
        client: the API.
        data_dir: the account's folder.
        requests: the period's file; its latest request gets the report.
        backoff: polling intervals and deadline for a usage history that is not ready.
        progress: receives each event.
    """

    client: AcronisClient
    data_dir: Path
    requests: PeriodRequests
    backoff: Backoff
    progress: ProgressCallback
    _duplicate_possible: bool = field(default=False, init=False)

    def ensure_report(self) -> ReportRequest:
        """Adopt the orphan of an earlier POST whose answer was lost, or POST.

        Raises:
            ApiError, ReportNotReadyError, ReportRefusedError: as in `request_report`.
        """
        orphan = self._orphan_of_interrupted_request()
        if orphan is not None:
            return self._record(orphan, "adopted")
        lost_answers = 0
        while True:
            self.backoff.check()
            if self._request.intent is None:
                self._record_intent()
            try:
                return self._record(self.client.create_report(self._parameters), "created")
            except HistoryNotReadyError as error:
                self._wait_for_history(error)
            except ApiUnavailableError as error:
                if not error.outcome_unknown:
                    self._drop_intent()
                    raise error.about(period=self._period) from None
                lost_answers += 1
                orphan = self._orphan_after(error, lost_answers)
                if orphan is not None:
                    return self._record(orphan, "adopted")
                if lost_answers >= MAX_LOST_ANSWERS:
                    raise error.about(period=self._period) from None
            except ApiError as error:
                self._close_failed(error)
                raise error.about(period=self._period) from None

    def _orphan_of_interrupted_request(self) -> Report | None:
        if self._request.intent is None:
            return None
        self._duplicate_possible = True
        self.progress(Progress("looking for the report of a request that was interrupted"))
        return self._find_orphan()

    @property
    def _request(self) -> ReportRequest:
        request = self.requests.latest
        assert request is not None  # noqa: S101 - the caller has opened one
        return request

    @property
    def _parameters(self) -> ReportParameters:
        return self._request.parameters

    @property
    def _period(self) -> str:
        return self.requests.period

    def _save(self, request: ReportRequest) -> None:
        self.requests = self.requests.replaced(request)
        save_requests(self.data_dir, self._parameters.period, self.requests)

    def _drop_intent(self) -> None:
        """Drop the intent, unless an earlier POST may have created a report that is not listed yet."""
        if not self._duplicate_possible:
            self._save(self._request.model_copy(update={"intent": None}))

    def _close_failed(self, error: ApiError) -> None:
        if not self._duplicate_possible:
            self._save(self._request.closed(Outcome.FAILED, error.what))

    def _record_intent(self) -> None:
        """Write the intent to POST to disk, with the ids of all reports that cannot be its result."""
        known: tuple[str, ...] | None
        try:
            known = tuple(self.client.tenant_reports(self._parameters.tenant_id))
        except ApiError as error:
            if error.status not in _NO_LISTING:
                raise error.about(period=self._period) from None
            known = None
        intent = PostIntent(recorded_at=datetime.now(UTC), known_report_ids=known)
        self._save(self._request.model_copy(update={"intent": intent}))

    def _orphan_after(self, error: ApiUnavailableError, lost_answers: int) -> Report | None:
        """After a pause, look for the report of a POST whose answer was lost."""
        self._duplicate_possible = True
        pause = self.client.retry_policy.wait(lost_answers, error.retry_after)
        what = f"{error.what}; looking whether the report was created"
        self.progress(Progress(what, next_poll_seconds=pause, warning=True))
        self.client.stop.wait(pause)
        self.backoff.check()
        return self._find_orphan()

    def _find_orphan(self) -> Report | None:
        """Find the report that a POST with a lost answer created: unknown before, with these parameters."""
        intent = self._request.intent
        if intent is None or intent.known_report_ids is None:
            return None
        seen = {*intent.known_report_ids, *(report.report_id for report in self.requests.reports)}
        backoff = Backoff(
            first_wait=self.client.retry_policy.first_wait,
            timeout=float("inf"),
            stop=self.client.stop,
            longest_wait=self.client.retry_policy.longest_wait,
        )
        for poll in range(ORPHAN_POLLS):
            if poll > 0:
                backoff.wait()
            listed = self.client.tenant_reports(self._parameters.tenant_id)
            for report_id in [each for each in listed if each not in seen][:MAX_ORPHANS_READ]:
                seen.add(report_id)
                report = self._read(report_id)
                if report is not None and matches_exactly(self._parameters, report):
                    return report
        return None

    def _read(self, report_id: str) -> Report | None:
        """Read a listed report; None if it was deleted, or if this API client may not read it."""
        try:
            return self.client.report(report_id)
        except ApiError as error:
            if error.status in _NO_LISTING:
                return None
            raise

    def _record(self, report: Report, origin: Literal["created", "adopted"]) -> ReportRequest:
        requested = RequestedReport(
            report_id=report.id,
            requested_at=datetime.now(UTC),
            origin=origin,
            generation_date=report.generation_date,
        )
        reports = (*self._request.reports, requested)
        request = self._request.model_copy(update={"reports": reports, "intent": None})
        if found := differences(self._parameters, report):
            reason = self.client.redact("; ".join(found))
            self._save(request.closed(Outcome.REFUSED, reason))
            raise ReportRefusedError(
                f"the API created a report about something else: {reason}",
                todo="Check the ACRONIS_ settings, then run it again: another report is requested.",
                period=self._period,
                report_id=report.id,
            )
        self._save(request)
        self.progress(Progress(f"report {origin}", report.id, elapsed_seconds=self.backoff.elapsed))
        return request

    def _wait_for_history(self, error: HistoryNotReadyError) -> None:
        if self.backoff.is_over:
            self._close_failed(error)
            raise ReportNotReadyError(error.what, todo=error.todo, period=self._period) from error
        self._drop_intent()
        self.progress(
            Progress(
                "Acronis is still counting the usage of the period",
                elapsed_seconds=self.backoff.elapsed,
                status=error.api_message,
                next_poll_seconds=self.backoff.next_wait,
            )
        )
        self.backoff.wait()


def is_gone(client: AcronisClient, report_id: str) -> bool:
    """Whether the API no longer knows the report."""
    try:
        client.report(report_id)
    except ApiError as error:
        if error.status == 404:
            return True
        raise
    return False
