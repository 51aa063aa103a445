"""One report more: the POST, with everything that can happen to its answer."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from billing_pipeline.acronis import (
    AcronisClient,
    ApiUnavailableError,
    HistoryNotReadyError,
    Report,
    ReportOrder,
)
from billing_pipeline.errors import ApiError, ReportNotReadyError, ReportRefusedError
from billing_pipeline.landing import OrderedReport, Outcome, PeriodRequests, ReportRequest
from billing_pipeline.landing.requests import PostIntent, save_requests
from billing_pipeline.ordering.progress import Progress, Tell
from billing_pipeline.ordering.waiting import Patience

LOST_ANSWERS = 3
"""POSTs whose answer may be lost before it is given up."""
ORPHAN_LOOKS = 3
"""Looks at the tenant's list after a lost answer: the report may appear a little later."""
ORPHANS_READ = 200
"""Unknown reports that are read to find ours among them."""
_NO_LISTING = {403, 404, 405, 501}


class Posting:
    """Makes one report for a request, and records it. Only for the holder of the period's lock.

    Args:
        client: the API.
        data_dir: everything that is kept lies below it.
        requests: the period's file; its latest request gets the report.
        order: what is wanted.
        patience: how long a usage history that is not ready is waited for.
        progress: is told what happens.
    """

    def __init__(
        self,
        client: AcronisClient,
        data_dir: Path,
        requests: PeriodRequests,
        order: ReportOrder,
        *,
        patience: Patience,
        progress: Tell,
    ) -> None:
        self._client = client
        self._data_dir = data_dir
        self._requests = requests
        self._order = order
        self._patience = patience
        self._progress = progress
        self._may_be_doubled = False

    def obtain(self) -> ReportRequest:
        """Adopt the report of an earlier POST whose answer was lost, or POST.

        Raises:
            ApiError, ReportNotReadyError, ReportRefusedError: as in `request_report`.
        """
        if self._request.intent is not None:
            self._may_be_doubled = True
            self._progress(Progress("looking for the report of a request that was interrupted"))
            found = self._orphan()
            if found is not None:
                return self._record(found, "adopted")
        lost = 0
        while True:
            self._patience.check()
            if self._request.intent is None:
                self._intend()
            try:
                return self._record(self._client.create_report(self._order), "created")
            except HistoryNotReadyError as error:
                self._wait_for_history(error)
            except ApiUnavailableError as error:
                if not error.may_have_acted:
                    self._nothing_was_created()
                    raise error.about(period=self._order.period.key) from None
                lost += 1
                self._may_be_doubled = True
                what = f"{error.what}; looking whether the report was created"
                pause = self._client.retry_policy.wait(lost, error.retry_after)
                self._progress(Progress(what, next_look_seconds=pause, warning=True))
                self._client.stop.wait(pause)
                self._patience.check()
                found = self._orphan()
                if found is not None:
                    return self._record(found, "adopted")
                if lost >= LOST_ANSWERS:
                    raise error.about(period=self._order.period.key) from None
            except ApiError as error:
                self._give_up(error)
                raise error.about(period=self._order.period.key) from None

    @property
    def _request(self) -> ReportRequest:
        request = self._requests.latest
        assert request is not None  # noqa: S101 - the caller has opened one
        return request

    def _save(self, request: ReportRequest) -> None:
        self._requests = self._requests.replaced(request)
        save_requests(self._data_dir, self._order.period, self._requests)

    def _nothing_was_created(self) -> None:
        """Forget the intent, unless an earlier POST may have made a report that is not listed yet."""
        if not self._may_be_doubled:
            self._save(self._request.model_copy(update={"intent": None}))

    def _give_up(self, error: ApiError) -> None:
        if not self._may_be_doubled:
            self._save(self._request.closed(Outcome.FAILED, error.what))

    def _intend(self) -> None:
        """Put on disk that a POST follows, and which reports there are that cannot be its result."""
        known: tuple[str, ...] | None
        try:
            known = tuple(self._client.tenant_reports(self._order.tenant_id))
        except ApiError as error:
            if error.status not in _NO_LISTING:
                raise error.about(period=self._order.period.key) from None
            known = None
        intent = PostIntent(recorded_at=datetime.now(UTC), known_report_ids=known)
        self._save(self._request.model_copy(update={"intent": intent}))

    def _orphan(self) -> Report | None:
        """The report that a POST with a lost answer made: unknown before it, and of this very order."""
        intent = self._request.intent
        if intent is None or intent.known_report_ids is None:
            return None
        seen = set(intent.known_report_ids) | {
            report.report_id for request in self._requests.requests for report in request.reports
        }
        patience = Patience(
            first_wait=self._client.retry_policy.first_wait,
            timeout=float("inf"),
            stop=self._client.stop,
            longest_wait=self._client.retry_policy.longest_wait,
        )
        for look in range(ORPHAN_LOOKS):
            if look > 0:
                patience.wait()
            listed = self._client.tenant_reports(self._order.tenant_id)
            for report_id in [each for each in listed if each not in seen][:ORPHANS_READ]:
                seen.add(report_id)
                report = self._read(report_id)
                if report is not None and self._order.is_surely(report):
                    return report
        return None

    def _read(self, report_id: str) -> Report | None:
        """A listed report; None if it was deleted, or if this API client may not read it."""
        try:
            return self._client.report(report_id)
        except ApiError as error:
            if error.status in _NO_LISTING:
                return None
            raise

    def _record(self, report: Report, origin: Literal["created", "adopted"]) -> ReportRequest:
        ordered = OrderedReport(
            report_id=report.id,
            requested_at=datetime.now(UTC),
            origin=origin,
            generation_date=report.generation_date,
        )
        reports = (*self._request.reports, ordered)
        request = self._request.model_copy(update={"reports": reports, "intent": None})
        if wrong := self._order.differences(report):
            reason = self._client.redact("; ".join(wrong))
            self._save(request.closed(Outcome.REFUSED, reason))
            raise ReportRefusedError(
                f"the API made a report about something else: {reason}",
                todo="Check the ACRONIS_ settings, then run it again: another report is ordered.",
                period=self._order.period.key,
                report_id=report.id,
            )
        self._save(request)
        self._progress(Progress(f"report {origin}", report.id, elapsed_seconds=self._patience.elapsed))
        return request

    def _wait_for_history(self, error: HistoryNotReadyError) -> None:
        if self._patience.is_over:
            self._give_up(error)
            raise ReportNotReadyError(error.what, todo=error.todo, period=self._order.period.key) from error
        self._nothing_was_created()
        self._progress(
            Progress(
                "Acronis is still counting the usage of the period",
                elapsed_seconds=self._patience.elapsed,
                status=error.api_message,
                next_look_seconds=self._patience.next_wait,
            )
        )
        self._patience.wait()


def is_gone(client: AcronisClient, report_id: str) -> bool:
    """Whether the API does not know the report (any more)."""
    try:
        client.report(report_id)
    except ApiError as error:
        if error.status == 404:
            return True
        raise
    return False
