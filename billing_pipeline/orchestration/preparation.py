"""Many reports concurrently: threads request, poll and download them while the main thread loads.

Nearly all of a run is waiting for Acronis. `ordering` does not use Dagster and is thread-safe, so one process
can wait for many reports. Dagster allows one in-process run at a time; it starts once a report is on disk.
"""

import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, suppress
from queue import Empty, PriorityQueue, SimpleQueue

from billing_pipeline.acronis import ApiUnavailableError
from billing_pipeline.errors import CredentialsError
from billing_pipeline.orchestration.reports import AcronisReports, PreparedReport
from billing_pipeline.orchestration.settings import Settings
from billing_pipeline.ordering import Progress
from billing_pipeline.periods import AccountPeriod

Listener = Callable[[AccountPeriod, Progress], None]
"""Receives the progress of each period, from any thread."""
# After one of these the account's other periods would fail too; more requests would only load a server.
_FATAL_FOR_ACCOUNT = (ApiUnavailableError, CredentialsError)
_SECONDS_TO_STOP = 5.0


def prepared_reports(
    periods: Sequence[AccountPeriod], settings: Settings, listener: Listener
) -> Generator[tuple[AccountPeriod, PreparedReport], None, None]:
    """Request, await and download reports in threads, `BILLING_OPEN_REPORTS` at a time.

    Closing the generator ends every wait, and gives the threads a few seconds to end.

    Args:
        periods: what to prepare, in this order.
        settings: of this process.
        listener: receives each period's progress.

    Yields:
        Each period as its report is on disk or has failed. A period is skipped once the API is unavailable
        for its account, or rejects its client.
    """
    stop = threading.Event()
    failed_accounts = set[str]()
    waiting = SimpleQueue[AccountPeriod]()
    # Of the reports on disk, the earliest month first.
    done = PriorityQueue[tuple[AccountPeriod, PreparedReport | None]]()

    def work() -> None:
        with suppress(Empty):
            while not stop.is_set():
                period = waiting.get_nowait()
                is_skipped = period.account in failed_accounts
                report = None if is_skipped else _prepare(period, settings, listener, stop)
                if report and isinstance(report.error, _FATAL_FOR_ACCOUNT):
                    failed_accounts.add(period.account)
                done.put((period, report))

    for period in periods:
        waiting.put(period)
    threads = [
        # Daemons: a socket that never answers must not keep an interrupted process alive.
        threading.Thread(target=work, daemon=True, name=f"report-{number}")
        for number in range(min(settings.pipeline.open_reports, len(periods)))
    ]
    try:
        for thread in threads:
            thread.start()
        for _ in periods:
            period, report = done.get()
            if report is not None:
                yield period, report
    finally:
        stop.set()
        for thread in filter(threading.Thread.is_alive, threads):
            thread.join(_SECONDS_TO_STOP / len(threads))


def _prepare(
    period: AccountPeriod, settings: Settings, listener: Listener, stop: threading.Event
) -> PreparedReport:
    def report_progress(progress: Progress) -> None:
        if not stop.is_set():
            listener(period, progress)

    requested = stored = None
    try:
        with closing(AcronisReports(settings, stop)) as reports:
            requested = reports.request(period, report_progress)
            stored = reports.await_stored(period, report_progress)
            raw = reports.download(period, report_progress)
        report_progress(Progress("downloaded, waiting to load"))
        return PreparedReport(requested, stored, raw)
    except Exception as error:  # noqa: BLE001 - the period's Dagster run raises it
        return PreparedReport(requested, stored, error=error)
