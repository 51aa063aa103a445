"""Downloading the formats of a ready report into `raw/<period>/<report id>/`."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, stop_when_event_set
from tenacity.nap import sleep_using_event

from billing_pipeline.acronis import AcronisClient, BodyError, Download
from billing_pipeline.acronis.client import DOWNLOAD_TIMEOUT_SECONDS, MAX_DOWNLOAD_BYTES
from billing_pipeline.errors import ApiError, DownloadError, ReportNotReadyError
from billing_pipeline.landing import (
    Manifest,
    Outcome,
    RawFile,
    RawReport,
    ReportRequest,
    StoredFile,
    find_raw_report,
    load_requests,
    period_lock,
    raw_folder,
)
from billing_pipeline.landing.raw_reports import clear_unsealed, raw_file, raw_name, seal
from billing_pipeline.landing.requests import save_requests
from billing_pipeline.ordering.completeness import incompleteness
from billing_pipeline.ordering.progress import Progress, Tell, silent
from billing_pipeline.ordering.requesting import current_request
from billing_pipeline.periods import BillingPeriod

DOWNLOAD_ATTEMPTS = 3
"""Downloads of one file whose body does not arrive whole; getting an answer is retried in itself."""
ANOTHER_IS_ORDERED = "Run it again: another report is ordered."
DOWNLOAD_RUNS = 2
"""Runs that try to download a report; if the last one fails too, the next run orders another report."""


def download_report(
    client: AcronisClient,
    data_dir: Path,
    period: BillingPeriod,
    *,
    progress: Tell = silent,
    max_bytes: int = MAX_DOWNLOAD_BYTES,
    timeout: float = DOWNLOAD_TIMEOUT_SECONDS,
    stop: threading.Event | None = None,
) -> RawReport:
    """Download every format of the report requested last; what was downloaded already is only verified.

    Args:
        client: the API.
        data_dir: everything that is kept lies below it.
        period: the billing period.
        progress: is told each file.
        max_bytes: what one file may unpack to.
        timeout: seconds for one file, in each attempt.
        stop: ends waits for another run and between attempts; for transfers see `AcronisClient`.

    Raises:
        DownloadError: a file does not arrive whole, or is not a report.
        ReportNotReadyError: the report was not seen ready.
        ApiError: refused, or unreachable. After 404 the next run orders another report.
        RawReportError: the disk does not take it, or a raw report that was there is damaged.
    """

    def waiting_for_other(seconds: float) -> None:
        progress(Progress("another run is busy with this period", elapsed_seconds=seconds))

    with period_lock(data_dir, period, stop=stop, on_wait=waiting_for_other):
        requests = load_requests(data_dir, period)
        request = current_request(requests, period)
        report = request.report
        assert report is not None  # noqa: S101 - current_request
        if (found := find_raw_report(data_dir, period, report.report_id)) is not None:
            return found
        if report.ready_at is None:
            raise ReportNotReadyError(
                "the report was not ready when it was last looked at",
                todo="Start with stored_report, the step before: it waits for it.",
                period=period.key,
                report_id=report.report_id,
            )
        folder = raw_folder(data_dir, period, report.report_id)
        clear_unsealed(folder)
        fetch = _Fetch(client, folder, report.report_id, progress, max_bytes, timeout, stop or client.stop)
        try:
            files = tuple(fetch.file(stored) for stored in report.stored)
        except ApiError as error:
            if error.status == 404:
                gone = request.closed(Outcome.GONE, "the API does not know the stored report any more")
                save_requests(data_dir, period, requests.replaced(gone))
                error.todo = ANOTHER_IS_ORDERED
            raise error.about(period=period.key, report_id=report.report_id) from None
        except DownloadError as error:
            if not fetch.stop.is_set():
                save_requests(data_dir, period, requests.replaced(_after_failure(request, error)))
            raise error.about(period=period.key, report_id=report.report_id) from error.__cause__
        return seal(folder, _manifest(request, files))


def _after_failure(request: ReportRequest, error: DownloadError) -> ReportRequest:
    """Remember the failure; a report that is broken where it is stored must not block its period for ever."""
    assert request.report is not None  # noqa: S101
    request = request.with_report(failed_downloads=request.report.failed_downloads + 1)
    if request.reports[-1].failed_downloads < DOWNLOAD_RUNS:
        return request
    error.todo = ANOTHER_IS_ORDERED
    return request.closed(Outcome.REFUSED, error.what)


def _manifest(request: ReportRequest, files: tuple[RawFile, ...]) -> Manifest:
    report = request.report
    assert report is not None  # noqa: S101
    assert report.ready_at is not None  # noqa: S101
    return Manifest(
        period=request.period,
        report_id=report.report_id,
        api_base_url=request.api_base_url,
        order=request.order,
        origin=report.origin,
        generation_date=report.generation_date,
        requested_at=report.requested_at,
        ready_at=report.ready_at,
        downloaded_at=datetime.now(UTC),
        waited_seconds=report.waited_seconds,
        files=files,
    )


@dataclass(frozen=True, slots=True)
class _Fetch:
    """Fetches the files of one report."""

    client: AcronisClient
    folder: Path
    report_id: str
    progress: Tell
    max_bytes: int
    timeout: float
    stop: threading.Event

    def file(self, stored: StoredFile) -> RawFile:
        """Download one format, several times if need be."""

        def wait(retry_state: RetryCallState) -> float:
            return self.client.retry_policy.wait(retry_state.attempt_number, None)

        def tell(retry_state: RetryCallState) -> None:
            error = retry_state.outcome.exception() if retry_state.outcome else None
            pause = retry_state.next_action.sleep if retry_state.next_action else 0.0
            what = error.what if isinstance(error, DownloadError) else "the download failed"
            self.progress(Progress(what, self.report_id, next_look_seconds=pause, warning=True))

        retrying = Retrying(
            retry=retry_if_exception(_retry_helps),
            wait=wait,
            stop=stop_after_attempt(DOWNLOAD_ATTEMPTS) | stop_when_event_set(self.stop),
            sleep=sleep_using_event(self.stop),
            before_sleep=tell,
            reraise=True,
        )
        return retrying(self._once, stored)

    def _once(self, stored: StoredFile) -> RawFile:
        stored_report_id = stored.stored_report_id
        assert stored_report_id is not None  # noqa: S101 - a saved file without an id is not ready
        self.progress(Progress(f"downloading {stored.report_format}", self.report_id))
        with raw_file(self.folder, stored.report_format) as file:
            download = self.client.download(
                self.report_id,
                stored_report_id,
                file,
                max_bytes=self.max_bytes,
                timeout=self.timeout,
            )
            file.flush()
            self._check(Path(file.name), stored, download)
        return RawFile(
            report_format=stored.report_format,
            name=raw_name(stored.report_format),
            stored_report_id=stored_report_id,
            size=download.size,
            sha256=download.sha256,
            received_bytes=download.received_bytes,
            content_encoding=download.content_encoding,
            size_told=stored.size,
            created_at=stored.created_at,
        )

    def _check(self, partial: Path, stored: StoredFile, download: Download) -> None:
        reason = incompleteness(partial, stored.report_format)
        if reason is None:
            return
        raise DownloadError(
            f"what arrived as {stored.report_format} ({download.size} bytes) is not the file: "
            f"{self.client.redact(reason)}",
            todo="Run it again: the same report is downloaded afresh.",
            report_id=self.report_id,
        ) from BodyError(reason)


def _retry_helps(error: BaseException) -> bool:
    cause = error.__cause__
    return isinstance(error, DownloadError) and isinstance(cause, BodyError) and cause.retry_helps
