"""Requesting a period's report: continue the open request, adopt an orphan, or POST.

The API has no idempotency key: every POST that gets through creates another report. So an intent with the
ids of the known reports is on disk before each POST, and whichever process finds the intent there looks for
the orphan in the tenant's list before it POSTs again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from billing_pipeline.acronis import AcronisClient
from billing_pipeline.errors import BillingPipelineError, ReportNotReadyError
from billing_pipeline.landing import is_sealed, period_lock
from billing_pipeline.ordering.backoff import Backoff
from billing_pipeline.ordering.create import ReportCreation, is_gone
from billing_pipeline.ordering.progress import Progress, ProgressCallback, ignore_progress
from billing_pipeline.ordering.state import (
    Outcome,
    PeriodRequests,
    ReportRequest,
    load_requests,
    save_requests,
)
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.reports import ReportParameters

HISTORY_WAIT_FACTOR = 12.0
"""Factor on the polling interval for a usage history, which takes longer than a report."""
HISTORY_LONGEST_WAIT_SECONDS = 300.0


def request_report(
    client: AcronisClient,
    data_dir: Path,
    parameters: ReportParameters,
    *,
    progress: ProgressCallback = ignore_progress,
    first_wait: float = 5.0,
    timeout: float = 1800.0,
) -> ReportRequest:
    """Ensure that exactly one report with these parameters exists.

    The latest request is continued while it is open, unless its report is gone from the API or was requested
    with other parameters. A report that was downloaded already needs no API.

    Args:
        client: the API; its `stop` event ends any wait.
        data_dir: the account's folder.
        parameters: of the report.
        progress: receives each event.
        first_wait: polling interval in seconds.
        timeout: deadline in seconds, also for a usage history that is not ready.

    Raises:
        ApiError, CredentialsError: the API refused, or could not be reached.
        ReportNotReadyError: the usage history was not ready before the deadline; nothing was created.
        ReportRefusedError: the API created a report about something else.
        RawReportError: the state on disk is damaged.
        DataFolderError: the state cannot be written, or another run held the period's lock.
    """
    backoff = Backoff(
        first_wait=first_wait * HISTORY_WAIT_FACTOR,
        timeout=timeout,
        stop=client.stop,
        longest_wait=HISTORY_LONGEST_WAIT_SECONDS,
    )
    with locked_requests(client, data_dir, parameters.period, progress) as requests:
        latest = requests.latest
        if latest is not None and latest.is_open and (ended := _ended(client, data_dir, latest, parameters)):
            latest.close(*ended)
        if latest is None or not latest.is_open:
            requests.open(
                ReportRequest(
                    parameters=parameters, api_base_url=client.base_url, opened_at=datetime.now(UTC)
                )
            )
        elif latest.report is not None and latest.intent is None:
            progress(Progress("continuing with the report requested before", latest.report_id))
            return latest
        return ReportCreation(client, data_dir, requests, backoff, progress).ensure_report()


def _ended(
    client: AcronisClient, data_dir: Path, latest: ReportRequest, parameters: ReportParameters
) -> tuple[Outcome, str | None] | None:
    """Why the open request is not continued; None if it is."""
    if latest.parameters != parameters:
        return Outcome.SUPERSEDED, "the parameters of the request have changed"
    if latest.report_id is None or latest.intent is not None:
        return None
    if is_sealed(data_dir, parameters.period, latest.report_id) or not is_gone(client, latest.report_id):
        return None
    return Outcome.GONE, "the API no longer knows the report"


def supersede_request(data_dir: Path, period: BillingPeriod) -> None:
    """Close the open request, if there is one, so that the next run requests another report.

    Raises:
        DataFolderError, RawReportError: as in `request_report`.
    """
    with period_lock(data_dir, period):
        requests = load_requests(data_dir, period)
        if requests.latest is not None and requests.latest.is_open:
            requests.latest.close(Outcome.SUPERSEDED, "a new report was requested")
            save_requests(data_dir, period, requests)


def current_request(requests: PeriodRequests) -> ReportRequest:
    """The latest request, if it has a report that can be polled or downloaded.

    Raises:
        ReportNotReadyError: it has none.
    """
    latest = requests.latest
    if latest is None or latest.report is None:
        raise ReportNotReadyError(
            "no report has been requested",
            todo="Materialise report_request, the first step.",
            period=requests.period,
        )
    if latest.outcome not in {Outcome.OPEN, Outcome.LOADED}:
        raise ReportNotReadyError(
            f"the report requested last can no longer be used: {latest.reason or latest.outcome}",
            todo="Materialise report_request, the first step: it requests another one.",
            period=requests.period,
            report_id=latest.report_id,
        )
    return latest


@contextmanager
def locked_requests(
    client: AcronisClient, data_dir: Path, period: BillingPeriod, progress: ProgressCallback
) -> Iterator[PeriodRequests]:
    """Hold the period's lock while working on its requests; an error in the block names the report.

    Raises:
        DataFolderError, RawReportError: as in `request_report`.
    """

    def report_wait(seconds: float) -> None:
        progress(Progress("another run holds the lock of this period", elapsed_seconds=seconds))

    with period_lock(data_dir, period, stop=client.stop, on_wait=report_wait):
        requests = load_requests(data_dir, period)
        try:
            yield requests
        except BillingPipelineError as error:
            latest = requests.latest
            error.about(period=period.key, report_id=latest.report_id if latest else None)
            raise
