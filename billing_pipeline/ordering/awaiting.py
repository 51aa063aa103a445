"""Waiting until every format of the report is stored.

Trouble with a look never makes another report; only the API's own `failed` does, and a report that has
vanished, and both only a few times.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from billing_pipeline.acronis import AcronisClient, ApiUnavailableError, ReportOrder
from billing_pipeline.acronis.retries import ATTEMPTS
from billing_pipeline.errors import ApiError, ReportFailedError, ReportNotReadyError
from billing_pipeline.landing import (
    Outcome,
    PeriodRequests,
    ReportRequest,
    find_raw_report,
    load_requests,
    period_lock,
)
from billing_pipeline.landing.requests import save_requests
from billing_pipeline.ordering.posting import Posting, is_gone
from billing_pipeline.ordering.progress import Progress, Tell, silent
from billing_pipeline.ordering.readiness import Readiness, Verdict, readiness
from billing_pipeline.ordering.requesting import current_request
from billing_pipeline.ordering.waiting import LOOK_SHARE, Patience
from billing_pipeline.periods import BillingPeriod

MAX_REPORTS = 3
"""Reports made for one request in all, when Acronis fails to generate them."""
PAUSE_FACTOR = 6.0
"""After a failure the next report is ordered after this many polling intervals."""
FAILED_LOOKS = 5
"""Looks in a row that the API does not answer before it is given up; each is retried in itself."""
UNANSWERED_REQUESTS = FAILED_LOOKS * ATTEMPTS
"""The retry budget: once the API answers nothing any more, a run of one period sends no more than this."""


def await_stored_reports(
    client: AcronisClient,
    data_dir: Path,
    period: BillingPeriod,
    *,
    first_wait: float = 5.0,
    timeout: float = 1800.0,
    progress: Tell = silent,
    stop: threading.Event | None = None,
) -> ReportRequest:
    """Wait until all formats of the report requested last are saved.

    Args:
        client: the API.
        data_dir: everything that is kept lies below it.
        period: the billing period.
        first_wait: seconds between the first two looks; the wait grows with the time waited so far,
            by `LOOK_SHARE`, to `LONGEST_WAIT_SECONDS`.
        timeout: seconds after which the report is given up, by a monotonic clock.
        progress: is told each look.
        stop: ends the wait at once.

    Raises:
        ReportNotReadyError: the deadline passed, or `stop` was set (`WaitStoppedError`); a later run
            continues.
        ReportFailedError: Acronis could not generate it, `MAX_REPORTS` times.
        ApiError: refused, or unreachable for `FAILED_LOOKS` looks in a row.
        RawReportError: the state on disk is damaged or cannot be written.
    """
    patience = Patience(first_wait=first_wait, timeout=timeout, stop=stop, share=LOOK_SHARE)
    return _Wait(client, data_dir, period, patience, progress).until_ready()


class _Wait:
    def __init__(
        self, client: AcronisClient, data_dir: Path, period: BillingPeriod, patience: Patience, progress: Tell
    ) -> None:
        self._client = client
        self._data_dir = data_dir
        self._period = period
        self._patience = patience
        self._progress = progress
        self._warned: set[str] = set()
        self._unanswered = 0
        self._accounted = 0.0

    def until_ready(self) -> ReportRequest:
        request = current_request(load_requests(self._data_dir, self._period), self._period)
        while True:
            assert request.report is not None  # noqa: S101 - current_request
            if request.is_ready and _is_downloaded(self._data_dir, self._period, request):
                return request
            try:
                found = self._look(request)
                if found.verdict is Verdict.READY:
                    now = datetime.now(UTC)
                    return self._record(
                        request, stored=found.stored, ready_at=now, outcome=Outcome.OPEN, reason=None
                    )
                if found.stored != request.report.stored:
                    request = self._record(request, stored=found.stored)
                if found.verdict is Verdict.FAILED:
                    request = self._order_again(request, Outcome.FAILED, f"Acronis says: {found.status}")
                elif found.verdict is Verdict.GONE:
                    request = self._order_again(request, Outcome.GONE, "it has vanished from the API")
                else:
                    self._pause(request, found)
            except (ReportNotReadyError, ApiError) as error:
                self._record(request)
                raise error.about(period=self._period.key, report_id=request.report_id) from None

    def _look(self, request: ReportRequest) -> Readiness:
        """One look. No answer, or a list that is missing although the report exists, is "not yet"."""
        self._patience.check()
        assert request.report is not None  # noqa: S101
        try:
            found = readiness(self._client.stored_reports(request.report.report_id), request.formats)
        except ApiUnavailableError as error:
            self._patience.check()
            self._unanswered += 1
            if self._unanswered >= FAILED_LOOKS:
                raise
            self._progress(Progress(error.what, request.report_id, self._patience.elapsed, warning=True))
            return Readiness(Verdict.NOT_YET, request.report.stored, ())
        except ApiError as error:
            if error.status != 404:
                raise
            verdict = Verdict.GONE if is_gone(self._client, request.report.report_id) else Verdict.NOT_YET
            return Readiness(verdict, request.report.stored, ())
        self._unanswered = 0
        for status in sorted(set(found.unknown) - self._warned):
            self._warned.add(status)
            what = f"the API reports the status {status!r}, which is not documented; it counts as not ready"
            self._progress(Progress(what, request.report_id, self._patience.elapsed, warning=True))
        return found

    def _pause(self, request: ReportRequest, found: Readiness) -> None:
        if self._patience.is_over:
            strange = f" (not documented: {', '.join(map(repr, found.unknown))})" if found.unknown else ""
            raise ReportNotReadyError(
                f"not ready after {self._patience.elapsed:.0f} s: {found.status}{strange}",
                todo="Run it again later: it continues with this report, which may be ready by then.",
            )
        self._progress(
            Progress(
                "waiting for Acronis to generate the report",
                request.report_id,
                self._patience.elapsed,
                found.status,
                self._patience.next_wait,
            )
        )
        self._patience.wait()

    def _order_again(self, request: ReportRequest, outcome: Outcome, reason: str) -> ReportRequest:
        tried = ", ".join(report.report_id for report in request.reports)
        if len(request.reports) >= MAX_REPORTS:
            with self._locked():
                requests = load_requests(self._data_dir, self._period)
                self._save(requests, request.closed(outcome, reason))
            raise ReportFailedError(
                f"Acronis could not generate the report, {len(request.reports)} times ({tried}): {reason}",
                todo="Run it again later; if it fails again, ask Acronis' support about these reports.",
                period=self._period.key,
                report_id=request.report_id,
            )
        if request.reports[-1].outcome is Outcome.OPEN:
            request = self._record(request, outcome=outcome, reason=reason)
            self._pause_after_failure(request, reason)
        # Else the run that saw it fail has paused already.
        with self._locked():
            requests = load_requests(self._data_dir, self._period)
            latest = current_request(requests, self._period)
            if latest.report_id != request.report_id:
                return latest  # another run was faster
            order = ReportOrder.from_body(latest.order)
            return Posting(
                self._client,
                self._data_dir,
                requests,
                order,
                patience=self._patience,
                progress=self._progress,
            ).obtain()

    def _pause_after_failure(self, request: ReportRequest, reason: str) -> None:
        self._patience.start_over(PAUSE_FACTOR)
        self._progress(
            Progress(
                f"the report cannot be used ({reason}); another one is ordered after a pause",
                request.report_id,
                self._patience.elapsed,
                next_look_seconds=self._patience.next_wait,
                warning=True,
            )
        )
        self._patience.wait()
        self._patience.start_over()
        if self._patience.is_over:
            raise ReportNotReadyError(
                f"no report was generated within {self._patience.elapsed:.0f} s: {reason}",
                todo="Run it again later: another report is ordered then.",
            )

    def _record(self, request: ReportRequest, **changes: Any) -> ReportRequest:
        """Put what was seen of the report on disk, unless another run has gone on to another report."""
        with self._locked():
            requests = load_requests(self._data_dir, self._period)
            latest = requests.latest
            if latest is None or latest.report is None or latest.report_id != request.report_id:
                return request.with_report(**changes)
            elapsed = self._patience.elapsed
            waited = latest.report.waited_seconds + elapsed - self._accounted
            self._accounted = elapsed
            latest = latest.with_report(waited_seconds=round(waited, 3), **changes)
            self._save(requests, latest)
            return latest

    def _save(self, requests: PeriodRequests, request: ReportRequest) -> PeriodRequests:
        requests = requests.replaced(request)
        save_requests(self._data_dir, self._period, requests)
        return requests

    def _locked(self) -> AbstractContextManager[None]:
        return period_lock(self._data_dir, self._period)


def _is_downloaded(data_dir: Path, period: BillingPeriod, request: ReportRequest) -> bool:
    return find_raw_report(data_dir, period, request.report_id or "") is not None
