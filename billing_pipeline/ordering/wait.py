"""Polling until every format of the report is stored.

A poll that fails never creates another report. Only the API's own `failed` does, and a report that is gone,
and both at most `MAX_REPORTS` times.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from billing_pipeline.acronis import AcronisClient, ApiUnavailableError
from billing_pipeline.acronis.retries import ATTEMPTS
from billing_pipeline.errors import ApiError, ReportFailedError, ReportNotReadyError
from billing_pipeline.landing import is_sealed, period_lock
from billing_pipeline.ordering.backoff import MAX_FRACTION_OF_ELAPSED, Backoff
from billing_pipeline.ordering.create import ReportCreation, is_gone
from billing_pipeline.ordering.progress import Progress, ProgressCallback, ignore_progress
from billing_pipeline.ordering.readiness import Readiness, Verdict, readiness
from billing_pipeline.ordering.request import current_request
from billing_pipeline.ordering.state import Outcome, ReportRequest, load_requests, save_requests
from billing_pipeline.periods import BillingPeriod

MAX_REPORTS = 3
"""Limit of reports created for one request, if Acronis fails to generate them."""
COOLDOWN_FACTOR = 6.0
"""After a failure the next report is requested after this many polling intervals."""
MAX_UNANSWERED_POLLS = 5
"""Consecutive failed polls before the run fails; each has its own retries."""
UNANSWERED_REQUESTS = MAX_UNANSWERED_POLLS * ATTEMPTS
"""Retry budget: the most requests that a run of one period sends to an API that does not answer."""


def await_stored_reports(
    client: AcronisClient,
    data_dir: Path,
    period: BillingPeriod,
    *,
    first_wait: float = 5.0,
    timeout: float = 1800.0,
    progress: ProgressCallback = ignore_progress,
) -> ReportRequest:
    """Poll until all formats of the report requested last are saved.

    Args:
        client: the API; its `stop` event ends the wait at once.
        data_dir: the account's folder.
        period: the billing period.
        first_wait: seconds between the first two polls; the wait grows with the time elapsed, by
            `MAX_FRACTION_OF_ELAPSED`, up to `LONGEST_WAIT_SECONDS`.
        timeout: deadline in seconds, by the monotonic clock.
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
    return _Poller(client, data_dir, period, backoff, progress).until_ready()


class _Poller:
    def __init__(
        self,
        client: AcronisClient,
        data_dir: Path,
        period: BillingPeriod,
        backoff: Backoff,
        progress: ProgressCallback,
    ) -> None:
        self._client = client
        self._data_dir = data_dir
        self._period = period
        self._backoff = backoff
        self._progress = progress
        self._reported_statuses: set[str] = set()
        self._unanswered = 0

    def until_ready(self) -> ReportRequest:
        request = current_request(load_requests(self._data_dir, self._period), self._period)
        while True:
            assert request.report is not None  # noqa: S101 - current_request
            if request.is_ready and is_sealed(self._data_dir, self._period, request.report.report_id):
                return request
            try:
                found = self._poll(request)
                if found.verdict is Verdict.READY:
                    now = datetime.now(UTC)
                    return self._record(
                        request, stored=found.stored, ready_at=now, outcome=Outcome.OPEN, reason=None
                    )
                if found.stored != request.report.stored:
                    request = self._record(request, stored=found.stored)
                if found.verdict is Verdict.FAILED:
                    request = self._request_again(request, Outcome.FAILED, f"Acronis says: {found.status}")
                elif found.verdict is Verdict.GONE:
                    request = self._request_again(request, Outcome.GONE, "it is gone from the API")
                else:
                    self._pause(request, found)
            except (ReportNotReadyError, ApiError) as error:
                raise error.about(period=self._period.key, report_id=request.report_id) from None

    def _poll(self, request: ReportRequest) -> Readiness:
        """Poll once. No answer, or no list although the report exists, is "not yet"."""
        self._backoff.check()
        assert request.report is not None  # noqa: S101
        report = request.report
        try:
            items = self._client.stored_reports(report.report_id)
        except ApiUnavailableError as error:
            self._backoff.check()
            self._unanswered += 1
            if self._unanswered >= MAX_UNANSWERED_POLLS:
                raise
            self._progress(Progress(error.what, report.report_id, self._backoff.elapsed, warning=True))
            return Readiness(Verdict.NOT_YET, report.stored, ())
        except ApiError as error:
            if error.status != 404:
                raise
            verdict = Verdict.GONE if is_gone(self._client, report.report_id) else Verdict.NOT_YET
            return Readiness(verdict, report.stored, ())
        self._unanswered = 0
        found = readiness(items, request.parameters.formats)
        for status in sorted(set(found.unknown) - self._reported_statuses):
            self._reported_statuses.add(status)
            what = f"the API reports the status {status!r}, which is not documented; it counts as not ready"
            self._progress(Progress(what, report.report_id, self._backoff.elapsed, warning=True))
        return found

    def _pause(self, request: ReportRequest, found: Readiness) -> None:
        if self._backoff.is_over:
            unknown = f" (not documented: {', '.join(map(repr, found.unknown))})" if found.unknown else ""
            raise ReportNotReadyError(
                f"not ready after {self._backoff.elapsed:.0f} s: {found.status}{unknown}",
                todo="Run it again later: it continues with this report, which may be ready by then.",
            )
        self._progress(
            Progress(
                "waiting for Acronis to generate the report",
                request.report_id,
                self._backoff.elapsed,
                found.status,
                self._backoff.next_wait,
            )
        )
        self._backoff.wait()

    def _request_again(self, request: ReportRequest, outcome: Outcome, reason: str) -> ReportRequest:
        if len(request.reports) >= MAX_REPORTS:
            raise self._give_up(request, outcome, reason)
        if request.reports[-1].outcome is Outcome.OPEN:
            request = self._record(request, outcome=outcome, reason=reason)
            self._cool_down(request, reason)
        # Otherwise the run that saw the failure has cooled down already.
        with period_lock(self._data_dir, self._period):
            requests = load_requests(self._data_dir, self._period)
            latest = current_request(requests, self._period)
            if latest.report_id != request.report_id:
                return latest  # another run was faster
            creation = ReportCreation(self._client, self._data_dir, requests, self._backoff, self._progress)
            return creation.ensure_report()

    def _give_up(self, request: ReportRequest, outcome: Outcome, reason: str) -> ReportFailedError:
        with period_lock(self._data_dir, self._period):
            requests = load_requests(self._data_dir, self._period)
            closed = requests.replaced(request.closed(outcome, reason))
            save_requests(self._data_dir, self._period, closed)
        report_ids = ", ".join(report.report_id for report in request.reports)
        return ReportFailedError(
            f"Acronis could not generate the report, {len(request.reports)} times ({report_ids}): {reason}",
            todo="Run it again later; if it fails again, ask Acronis' support about these reports.",
            period=self._period.key,
            report_id=request.report_id,
        )

    def _cool_down(self, request: ReportRequest, reason: str) -> None:
        self._backoff.reset(COOLDOWN_FACTOR)
        self._progress(
            Progress(
                f"the report cannot be used ({reason}); another one is requested after a pause",
                request.report_id,
                self._backoff.elapsed,
                next_poll_seconds=self._backoff.next_wait,
                warning=True,
            )
        )
        self._backoff.wait()
        self._backoff.reset()
        if self._backoff.is_over:
            raise ReportNotReadyError(
                f"no report was generated within {self._backoff.elapsed:.0f} s: {reason}",
                todo="Run it again later: another report is requested then.",
            )

    def _record(self, request: ReportRequest, **changes: Any) -> ReportRequest:
        """Write changes of the report to disk, unless another run has gone on to another report."""
        with period_lock(self._data_dir, self._period):
            requests = load_requests(self._data_dir, self._period)
            latest = requests.latest
            if latest is None or latest.report is None or latest.report_id != request.report_id:
                return request.with_report(**changes)
            latest = latest.with_report(**changes)
            save_requests(self._data_dir, self._period, requests.replaced(latest))
            return latest
