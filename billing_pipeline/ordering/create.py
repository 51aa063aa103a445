"""Creating one report: the POST, and recovery from a lost answer."""

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

MAX_LOST_ANSWERS = 3
"""Limit of POSTs with a lost answer before the run fails."""
ORPHAN_POLLS = 3
"""Polls of the tenant's list after a lost answer, because the report may appear a little later."""
MAX_ORPHANS_READ = 200
"""Unknown reports that are read to find the orphan among them."""


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
        orphan, lost_answers = None, 0
        if self._request.intent is not None:
            self.progress(Progress("looking for the report of a request that was interrupted"))
            orphan = self._find_orphan()
        while orphan is None:
            self.backoff.check()
            if self._request.intent is None:
                self._record_intent()
            try:
                return self._record(self.client.create_report(self._request.parameters), "created")
            except HistoryNotReadyError as error:
                self._wait_for_history(error)
            except ApiUnavailableError as error:
                if not error.outcome_unknown:
                    self._drop_intent()
                    raise
                lost_answers += 1
                orphan = self._orphan_after(error, lost_answers)
                if orphan is None and lost_answers >= MAX_LOST_ANSWERS:
                    raise
            except ApiError as error:
                self._drop_intent(error)
                raise
        return self._record(orphan, "adopted")

    @property
    def _request(self) -> ReportRequest:
        return self.requests.requests[-1]

    def _save(self) -> None:
        save_requests(self.data_dir, self._request.parameters.period, self.requests)

    def _drop_intent(self, failure: ApiError | None = None) -> None:
        """After a refusal, unless an earlier POST may have created a report that is not listed yet."""
        if not self._duplicate_possible:
            self._request.intent = None
            if failure is not None:
                self._request.close(Outcome.FAILED, failure.what)
            self._save()

    def _record_intent(self) -> None:
        """Write the intent to POST to disk, with the ids of all reports that cannot be its result."""
        known = None
        try:
            known = tuple(self.client.tenant_reports(self._request.parameters.tenant_id))
        except ApiError as error:
            if error.is_outage:
                raise
            what = f"{error.what}; if the answer to the request is lost, its report cannot be found"
            self.progress(Progress(what, warning=isinstance(error, ApiUnavailableError)))
        self._request.intent = PostIntent(recorded_at=datetime.now(UTC), known_report_ids=known)
        self._save()

    def _orphan_after(self, error: ApiUnavailableError, lost_answers: int) -> Report | None:
        """After a pause, look for the report of a POST whose answer was lost."""
        pause = self.client.retry_policy.wait(lost_answers, error.retry_after)
        what = f"{error.what}; looking whether the report was created"
        self.progress(Progress(what, next_poll_seconds=pause, warning=True))
        self._pause(pause)
        return self._find_orphan()

    def _pause(self, seconds: float) -> None:
        self.client.stop.wait(seconds)
        self.backoff.check()

    def _find_orphan(self) -> Report | None:
        """Find the report that a POST with a lost answer created: unknown before, with these parameters."""
        self._duplicate_possible = True
        request = self._request
        if request.intent is None or request.intent.known_report_ids is None:
            return None
        seen = {*request.intent.known_report_ids, *self.requests.reports}
        for poll in range(ORPHAN_POLLS):
            if poll > 0:
                self._pause(self.client.retry_policy.wait(poll, None))
            listed = self.client.tenant_reports(request.parameters.tenant_id)
            for report_id in [each for each in listed if each not in seen][:MAX_ORPHANS_READ]:
                seen.add(report_id)
                try:
                    report = self.client.report(report_id)
                except ApiError as error:
                    if error.is_about_client:
                        raise
                    self.backoff.check()
                    # It is most likely somebody else's, which must not block this period.
                    self.progress(Progress(f"{error.what}: it is passed over", report_id, warning=True))
                    continue
                if matches_exactly(request.parameters, report):
                    return report
        return None

    def _record(self, report: Report, origin: Literal["created", "adopted"]) -> ReportRequest:
        request = self._request
        request.reports.append(
            RequestedReport(
                report_id=report.id,
                requested_at=datetime.now(UTC),
                origin=origin,
                generation_date=report.generation_date,
            )
        )
        request.intent = None
        difference = self.client.redact("; ".join(differences(request.parameters, report)))
        if difference:
            request.close(Outcome.REFUSED, difference)
        self._save()
        if difference:
            raise ReportRefusedError(
                f"the API created a report about something else: {difference}",
                todo="Check the ACRONIS_ settings, then run it again: another report is requested.",
            )
        self.progress(Progress(f"report {origin}", report.id, elapsed_seconds=self.backoff.elapsed))
        return request

    def _wait_for_history(self, error: HistoryNotReadyError) -> None:
        if self.backoff.is_over:
            self._drop_intent(error)
            raise ReportNotReadyError(error.what, todo=error.todo) from error
        self._drop_intent()
        what, pause = "Acronis is still counting the usage of the period", self.backoff.next_wait
        self.progress(Progress(what, None, self.backoff.elapsed, error.api_message, pause))
        self.backoff.wait()


def is_gone(client: AcronisClient, report_id: str) -> bool:
    """Whether the API no longer knows a report; one that cannot be read for another reason is not gone."""
    try:
        client.report(report_id)
    except ApiError as error:
        if error.is_outage:
            raise
        return error.is_gone
    return False
