"""Many reports concurrently: threads request, poll and download them while the main thread loads.

Nearly all of a run is waiting for Acronis. `ordering` does not use Dagster and is thread-safe, so one process
can wait for many reports. Dagster allows one in-process run at a time; it starts once a report is on disk.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from queue import Empty, PriorityQueue, SimpleQueue

from billing_pipeline.acronis import ApiUnavailableError
from billing_pipeline.errors import CredentialsError
from billing_pipeline.orchestration.reports import AcronisReports, PreparedReport
from billing_pipeline.orchestration.settings import Settings
from billing_pipeline.ordering import Progress
from billing_pipeline.periods import AccountPeriod

# After one of these the account's other periods would fail too; more requests would only load a server.
_FATAL_FOR_ACCOUNT = (ApiUnavailableError, CredentialsError)
_SECONDS_TO_STOP = 5.0


class ReportPreparation:
    """Requests, awaits and downloads reports in threads, `BILLING_OPEN_REPORTS` at a time.

    Args:
        periods: what to prepare, in this order.
        settings: of this process.
        listener: receives each period's progress, from any thread.
    """

    def __init__(
        self,
        periods: Sequence[AccountPeriod],
        settings: Settings,
        listener: Callable[[AccountPeriod, Progress], None],
    ) -> None:
        self._settings = settings
        self._listener = listener
        self._stop = threading.Event()
        self._failed_accounts: set[str] = set()
        self._periods = list(periods)
        self._waiting: SimpleQueue[AccountPeriod] = SimpleQueue()
        # Of the reports on disk, the earliest month first.
        self._done: PriorityQueue[tuple[AccountPeriod, PreparedReport | None]] = PriorityQueue()
        for period in periods:
            self._waiting.put(period)
        self._threads = [
            # Daemons: a socket that never answers must not keep an interrupted process alive.
            threading.Thread(target=self._work, daemon=True, name=f"report-{number}")
            for number in range(min(settings.pipeline.open_reports, len(periods)))
        ]

    def results(self) -> Iterator[tuple[AccountPeriod, PreparedReport]]:
        """Yield each period as its report is on disk or has failed; skipped periods are missing.

        A period is skipped once the API is unavailable for its account, or rejects its client.
        """
        for thread in self._threads:
            thread.start()
        for _ in self._periods:
            period, report = self._done.get()
            if report is not None:
                yield period, report

    def close(self) -> None:
        """End every wait, and give the threads a few seconds to end."""
        self._stop.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(_SECONDS_TO_STOP / len(self._threads))

    def _work(self) -> None:
        with suppress(Empty):
            while not self._stop.is_set():
                period = self._waiting.get_nowait()
                is_skipped = period.account in self._failed_accounts
                self._done.put((period, None if is_skipped else self._prepare(period)))

    def _prepare(self, period: AccountPeriod) -> PreparedReport:
        def report_progress(progress: Progress) -> None:
            if not self._stop.is_set():
                self._listener(period, progress)

        reports = AcronisReports(self._settings, self._stop)
        requested = stored = None
        try:
            requested = reports.request(period, report_progress)
            stored = reports.await_stored(period, report_progress)
            raw = reports.download(period, report_progress)
            report_progress(Progress("downloaded, waiting to load"))
            return PreparedReport(requested, stored, raw)
        except Exception as error:  # noqa: BLE001 - the period's Dagster run raises it
            if isinstance(error, _FATAL_FOR_ACCOUNT):
                self._failed_accounts.add(period.account)
            return PreparedReport(requested, stored, error=error)
        finally:
            reports.close()
