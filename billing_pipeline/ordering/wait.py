"""Polling until every format of the report is stored.

Another report is created if the API says `failed`, if the report is gone, or if it is not ready long after
its request, at most `MAX_REPORTS` times; never because of an outage.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from billing_pipeline.acronis import AcronisClient, ApiUnavailableError
from billing_pipeline.errors import ApiError, BillingPipelineError, ReportFailedError, ReportNotReadyError
from billing_pipeline.landing import is_sealed
from billing_pipeline.ordering.backoff import MAX_FRACTION_OF_ELAPSED, Backoff
from billing_pipeline.ordering.create import ReportCreation, is_gone
from billing_pipeline.ordering.progress import Progress, ProgressCallback, ignore_progress
from billing_pipeline.ordering.readiness import Readiness, Verdict, readiness
from billing_pipeline.ordering.request import current_request, locked_requests
from billing_pipeline.ordering.state import (
    Outcome,
    ReportRequest,
    RequestedReport,
    load_requests,
    save_requests,
)
from billing_pipeline.periods import BillingPeriod

MAX_REPORTS = 3
"""Limit of reports created for one request, if Acronis fails to generate them."""
COOLDOWN_FACTOR = 6.0
"""After a failure the next report is requested after this many polling intervals."""
MAX_UNANSWERED_POLLS = 5
"""Consecutive failed polls before the run fails; each has its own retries."""


def await_stored_reports(
    client: AcronisClient,
    data_dir: Path,
    period: BillingPeriod,
    *,
    first_wait: float = 5.0,
    timeout: float = 1800.0,
    deadline_hours: float = 24.0,
    progress: ProgressCallback = ignore_progress,
) -> ReportRequest:
    """Poll until all formats of the report requested last are saved.

    Args:
        client: the API; its `stop` event ends the wait at once.
        data_dir: the account's folder.
        period: the billing period.
        first_wait: seconds between the first two polls; the wait grows with the time elapsed, by
            `MAX_FRACTION_OF_ELAPSED`, up to `LONGEST_WAIT_SECONDS`.
        timeout: deadline in seconds of this call, by the monotonic clock.
        deadline_hours: hours since its request after which a report that is not ready is abandoned and
            another one requested.
        progress: receives each poll.

    Raises:
        ReportNotReadyError: the deadline passed, or `stop` was set (`WaitStoppedError`); a later run
            continues.
        ReportFailedError: Acronis could not generate the report, `MAX_REPORTS` times.
        ApiError: refused, or unreachable for `MAX_UNANSWERED_POLLS` polls in a row.
        DataFolderError, RawReportError: the state on disk cannot be written, or is damaged.
    """
    backoff = Backoff(
        first_wait=first_wait, timeout=timeout, stop=client.stop, max_fraction=MAX_FRACTION_OF_ELAPSED
    )
    return _Poller(client, data_dir, period, backoff, deadline_hours, progress).until_ready()


@dataclass
class _Poller:
    client: AcronisClient
    data_dir: Path
    period: BillingPeriod
    backoff: Backoff
    deadline_hours: float
    progress: ProgressCallback
    reported_statuses: set[str] = field(default_factory=set)
    unanswered: int = 0

    def until_ready(self) -> ReportRequest:
        request = current_request(load_requests(self.data_dir, self.period))
        while True:
            report = request.reports[-1]
            if request.is_ready and is_sealed(self.data_dir, self.period, report.report_id):
                return request
            try:
                found = self._poll(request)
                if found.verdict is Verdict.READY:
                    now = datetime.now(UTC)
                    return self._record(
                        request, stored=found.stored, ready_at=now, outcome=Outcome.OPEN, reason=None
                    )
                if found.stored != report.stored:
                    request = self._record(request, stored=found.stored)
                if found.verdict is Verdict.FAILED:
                    request = self._request_again(request, Outcome.FAILED, f"Acronis says: {found.status}")
                elif found.verdict is Verdict.GONE:
                    request = self._request_again(request, Outcome.GONE, "it is gone from the API")
                elif found.verdict is Verdict.OVERDUE:
                    reason = f"not ready within {self.deadline_hours:g} hours: {found.status}"
                    request = self._request_again(request, Outcome.FAILED, reason)
                else:
                    self._pause(request, found)
            except BillingPipelineError as error:
                error.about(period=self.period.key, report_id=report.report_id)
                raise

    def _poll(self, request: ReportRequest) -> Readiness:
        """Poll once. No answer, or no list although the report exists, is "not yet"."""
        self.backoff.check()
        report = request.reports[-1]
        try:
            items = self.client.stored_reports(report.report_id)
        except ApiError as error:
            self.backoff.check()
            found = Readiness(Verdict.NOT_YET, report.stored, ())
            if error.is_gone:
                if error.status != 404 or is_gone(self.client, report.report_id):
                    return replace(found, verdict=Verdict.GONE)
            elif isinstance(error, ApiUnavailableError) and self.unanswered + 1 < MAX_UNANSWERED_POLLS:
                self.unanswered += 1
                self.progress(Progress(error.what, report.report_id, self.backoff.elapsed, warning=True))
                return found
            elif error.is_outage or not self._is_overdue(report):
                raise
        else:
            self.unanswered = 0
            found = readiness(items, request.parameters.formats)
        for status in sorted(set(found.unknown) - self.reported_statuses):
            self.reported_statuses.add(status)
            what = f"the API reports the status {status!r}, which is not documented; it counts as not ready"
            self.progress(Progress(what, report.report_id, self.backoff.elapsed, warning=True))
        is_overdue = found.verdict is Verdict.NOT_YET and self._is_overdue(report)
        return replace(found, verdict=Verdict.OVERDUE) if is_overdue else found

    def _is_overdue(self, report: RequestedReport) -> bool:
        return datetime.now(UTC) - report.requested_at > timedelta(hours=self.deadline_hours)

    def _pause(self, request: ReportRequest, found: Readiness) -> None:
        if self.backoff.is_over:
            unknown = f" (not documented: {', '.join(map(repr, found.unknown))})" if found.unknown else ""
            raise ReportNotReadyError(
                f"not ready after {self.backoff.elapsed:.0f} s: {found.status}{unknown}",
                todo="Run it again later: it continues with this report for up to "
                f"{self.deadline_hours:g} hours; `run --new-report` requests another one at once.",
            )
        what, pause = "waiting for Acronis", self.backoff.next_wait
        self.progress(Progress(what, request.report_id, self.backoff.elapsed, found.status, pause))
        self.backoff.wait()

    def _request_again(self, request: ReportRequest, outcome: Outcome, reason: str) -> ReportRequest:
        is_last = len(request.reports) >= MAX_REPORTS
        if not is_last and request.reports[-1].outcome is Outcome.OPEN:
            request = self._record(request, outcome=outcome, reason=reason)
            self._cool_down(request, reason)
        # Otherwise the run that saw the failure has cooled down already.
        with locked_requests(self.client, self.data_dir, self.period, self.progress) as requests:
            latest = current_request(requests)
            if latest.report_id != request.report_id:
                return latest  # another run was faster
            if not is_last:
                creation = ReportCreation(self.client, self.data_dir, requests, self.backoff, self.progress)
                return creation.ensure_report()
            latest.close(outcome, reason)
            save_requests(self.data_dir, self.period, requests)
        report_ids = ", ".join(report.report_id for report in request.reports)
        raise ReportFailedError(
            f"Acronis could not generate the report, {len(request.reports)} times ({report_ids}): {reason}",
            todo="Run it again later; if it fails again, ask Acronis' support about these reports.",
        )

    def _cool_down(self, request: ReportRequest, reason: str) -> None:
        self.backoff.reset(COOLDOWN_FACTOR)
        what = f"the report cannot be used ({reason}); another one is requested after a pause"
        pause = self.backoff.next_wait
        self.progress(Progress(what, request.report_id, self.backoff.elapsed, None, pause, warning=True))
        self.backoff.wait()
        self.backoff.reset()
        if self.backoff.is_over:
            raise ReportNotReadyError(
                f"no report was generated within {self.backoff.elapsed:.0f} s: {reason}",
                todo="Run it again later: another report is requested then.",
            )

    def _record(self, request: ReportRequest, **changes: Any) -> ReportRequest:
        """Change the report, on disk only if no other run has gone on to another report."""
        with locked_requests(self.client, self.data_dir, self.period, self.progress) as requests:
            if requests.latest is not None and requests.latest.report_id == request.report_id:
                request = requests.latest
            request.reports[-1] = request.reports[-1].model_copy(update=changes)
            save_requests(self.data_dir, self.period, requests)
        return request
