"""How the assets of a run get their report: from the API, or prepared by threads of the same process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from filelock import FileLock

from billing_pipeline.acronis import AcronisClient
from billing_pipeline.files import reporting_io_errors
from billing_pipeline.landing import RawReport
from billing_pipeline.orchestration.settings import Settings
from billing_pipeline.ordering import (
    Progress,
    ProgressCallback,
    await_stored_reports,
    download_report,
    request_report,
)
from billing_pipeline.ordering.semaphore import acquire_slot
from billing_pipeline.ordering.state import ReportRequest
from billing_pipeline.periods import AccountPeriod
from billing_pipeline.settings import AccountSettings

Step = TypeVar("Step")


class AcronisReports:
    """Reports from the API. Holds one slot of `BILLING_OPEN_REPORTS` while any of its reports is open.

    One slot per object: accounts use different APIs, and a run that holds at most one slot cannot deadlock.

    Args:
        settings: of this process.
        stop: ends every wait when set.
    """

    def __init__(self, settings: Settings, stop: threading.Event | None = None) -> None:
        self._settings = settings
        self._stop = stop or threading.Event()
        self._slot: FileLock | None = None
        self._open_accounts: set[str] = set()

    def request(self, period: AccountPeriod, progress: ProgressCallback) -> ReportRequest:
        """Make sure that there is exactly one report; see `request_report`."""
        with self._client(period, progress) as (client, folder, account):
            tenant_id = account.tenant_id or client.own_tenant_id()
            parameters = account.report_parameters(tenant_id, period.period)
            first_wait, timeout = account.poll_interval_seconds, account.poll_timeout_seconds
            return request_report(
                client, folder, parameters, progress=progress, first_wait=first_wait, timeout=timeout
            )

    def await_stored(self, period: AccountPeriod, progress: ProgressCallback) -> ReportRequest:
        """Poll until the report is stored; see `await_stored_reports`."""
        with self._client(period, progress) as (client, folder, account):
            return await_stored_reports(
                client,
                folder,
                period.period,
                progress=progress,
                first_wait=account.poll_interval_seconds,
                timeout=account.poll_timeout_seconds,
                deadline_hours=account.report_deadline_hours,
            )

    def download(self, period: AccountPeriod, progress: ProgressCallback) -> RawReport:
        """Download the report, and free the slot; see `download_report`."""
        max_bytes = self._settings.pipeline.max_report_gib * 1024**3
        with self._client(period, progress) as (client, folder, _):
            raw = download_report(client, folder, period.period, progress=progress, max_bytes=max_bytes)
        self._open_accounts.discard(period.account)
        if not self._open_accounts:
            self.close()
        return raw

    def close(self) -> None:
        """Free the slot, if one is held."""
        if self._slot is not None:
            with reporting_io_errors(Path(self._slot.lock_file)):
                self._slot.release()
            self._slot = None

    @contextmanager
    def _client(
        self, period: AccountPeriod, progress: ProgressCallback
    ) -> Iterator[tuple[AcronisClient, Path, AccountSettings]]:
        """The account's client, folder and settings; waits for a slot."""

        def report_wait(seconds: float) -> None:
            progress(Progress("the limit BILLING_OPEN_REPORTS is reached", elapsed_seconds=seconds))

        account, pipeline = self._settings.account(period.account), self._settings.pipeline
        if self._slot is None:
            self._slot = acquire_slot(
                pipeline.data_dir, pipeline.open_reports, stop=self._stop, on_wait=report_wait
            )
        self._open_accounts.add(period.account)
        with AcronisClient(
            account.base_url, account.client_id, account.client_secret, stop=self._stop
        ) as client:
            yield client, pipeline.account_dir(period.account), account


@dataclass(frozen=True, slots=True)
class PreparedReport:
    """The results of the three steps; `error` is what ended the first step that has no result."""

    requested: ReportRequest | None = None
    stored: ReportRequest | None = None
    raw: RawReport | None = None
    error: BaseException | None = None

    def result(self, step: Step | None) -> Step:
        """The result of a step.

        Raises:
            BaseException: `error`, if the step has no result.
        """
        if step is None:
            raise self.error or AssertionError("the report was not prepared")
        return step


class PreparedReports(dict[AccountPeriod, PreparedReport]):
    """Reports that threads have prepared; the run's assets show the results, or the error at its step."""

    def request(self, period: AccountPeriod, _: ProgressCallback) -> ReportRequest:
        """The request."""
        return self[period].result(self[period].requested)

    def await_stored(self, period: AccountPeriod, _: ProgressCallback) -> ReportRequest:
        """The request with its stored report."""
        return self[period].result(self[period].stored)

    def download(self, period: AccountPeriod, _: ProgressCallback) -> RawReport:
        """The raw report."""
        return self[period].result(self[period].raw)


Reports = AcronisReports | PreparedReports
