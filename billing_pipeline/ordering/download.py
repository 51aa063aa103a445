"""Downloading the formats of a ready report into `raw/<period>/<report id>/`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, stop_when_event_set
from tenacity.nap import sleep_using_event

from billing_pipeline.acronis import AcronisClient, BodyError, Download
from billing_pipeline.acronis.client import DOWNLOAD_TIMEOUT_SECONDS, MAX_DOWNLOAD_BYTES
from billing_pipeline.errors import ApiError, DownloadError, ReportNotReadyError
from billing_pipeline.files import atomic_write, remove_partial_files
from billing_pipeline.landing import (
    Manifest,
    RawFile,
    RawReport,
    is_sealed,
    period_lock,
    raw_folder,
    verified,
)
from billing_pipeline.landing.raw_reports import raw_name, seal
from billing_pipeline.ordering.completeness import incompleteness
from billing_pipeline.ordering.progress import Progress, ProgressCallback, ignore_progress
from billing_pipeline.ordering.request import current_request, reporting_lock_wait
from billing_pipeline.ordering.state import (
    Outcome,
    ReportRequest,
    StoredFile,
    load_requests,
    save_requests,
)
from billing_pipeline.periods import BillingPeriod

DOWNLOAD_ATTEMPTS = 3
"""Downloads of one file that arrives incomplete; a request without a response has its own retries."""
MAX_FAILED_RUNS = 2
"""Runs that may fail to download a report before the next run requests another one."""
_REQUESTS_ANOTHER = "Run it again: another report is requested."


def download_report(
    client: AcronisClient,
    data_dir: Path,
    period: BillingPeriod,
    *,
    progress: ProgressCallback = ignore_progress,
    max_bytes: int = MAX_DOWNLOAD_BYTES,
    timeout: float = DOWNLOAD_TIMEOUT_SECONDS,
) -> RawReport:
    """Download every format of the report requested last; files that are on disk are only verified.

    Args:
        client: the API; its `stop` event ends transfers, and waits for the lock and between attempts.
        data_dir: the account's folder.
        period: the billing period.
        progress: receives each file.
        max_bytes: size limit of one decompressed file.
        timeout: seconds for one file, in each attempt.

    Raises:
        DownloadError: a file is incomplete, or is not a report.
        ReportNotReadyError: the report was not seen ready.
        ApiError: refused, or unreachable. After 404 the next run requests another report.
        DataFolderError: a file cannot be written.
        RawReportError: the raw report on disk is damaged.
    """
    with period_lock(data_dir, period, stop=client.stop, on_wait=reporting_lock_wait(progress)):
        requests = load_requests(data_dir, period)
        request = current_request(requests, period)
        report = request.report
        assert report is not None  # noqa: S101 - current_request
        folder = raw_folder(data_dir, period, report.report_id)
        if is_sealed(data_dir, period, report.report_id):
            return verified(folder, period)
        if report.ready_at is None:
            raise ReportNotReadyError(
                "the report was not ready at the last poll",
                todo="Start with stored_report, the step before: it waits for the report.",
                period=period.key,
                report_id=report.report_id,
            )
        remove_partial_files(folder)
        fetch = _Fetch(client, folder, report.report_id, progress, max_bytes, timeout)
        try:
            files = tuple(fetch.file(stored) for stored in report.stored)
        except ApiError as error:
            if error.status == 404:
                gone = request.closed(Outcome.GONE, "the API no longer knows the stored report")
                save_requests(data_dir, period, requests.replaced(gone))
                error.about(todo=_REQUESTS_ANOTHER)
            raise error.about(period=period.key, report_id=report.report_id) from None
        except DownloadError as error:
            if not client.stop.is_set():
                save_requests(data_dir, period, requests.replaced(_after_failure(request, error)))
            raise error.about(period=period.key, report_id=report.report_id) from error.__cause__
        return seal(folder, _manifest(request, files))


def _after_failure(request: ReportRequest, error: DownloadError) -> ReportRequest:
    """Count the failure, so that a report with a broken file does not block its period for ever."""
    assert request.report is not None  # noqa: S101
    request = request.with_report(failed_downloads=request.report.failed_downloads + 1)
    if request.reports[-1].failed_downloads < MAX_FAILED_RUNS:
        return request
    error.about(todo=_REQUESTS_ANOTHER)
    return request.closed(Outcome.REFUSED, error.what)


def _manifest(request: ReportRequest, files: tuple[RawFile, ...]) -> Manifest:
    report = request.report
    assert report is not None  # noqa: S101
    assert report.ready_at is not None  # noqa: S101
    return Manifest(
        report_id=report.report_id,
        api_base_url=request.api_base_url,
        parameters=request.parameters,
        origin=report.origin,
        generation_date=report.generation_date,
        requested_at=report.requested_at,
        ready_at=report.ready_at,
        downloaded_at=datetime.now(UTC),
        files=files,
    )


@dataclass(frozen=True, slots=True)
class _Fetch:
    """Fetches the files of one report."""

    client: AcronisClient
    folder: Path
    report_id: str
    progress: ProgressCallback
    max_bytes: int
    timeout: float

    def file(self, stored: StoredFile) -> RawFile:
        """Download one format, in several attempts if necessary."""

        def wait(retry_state: RetryCallState) -> float:
            return self.client.retry_policy.wait(retry_state.attempt_number, None)

        def report_retry(retry_state: RetryCallState) -> None:
            error = retry_state.outcome.exception() if retry_state.outcome else None
            pause = retry_state.next_action.sleep if retry_state.next_action else 0.0
            what = error.what if isinstance(error, DownloadError) else "the download failed"
            self.progress(Progress(what, self.report_id, next_poll_seconds=pause, warning=True))

        retrying = Retrying(
            retry=retry_if_exception(_is_retryable),
            wait=wait,
            stop=stop_after_attempt(DOWNLOAD_ATTEMPTS) | stop_when_event_set(self.client.stop),
            sleep=sleep_using_event(self.client.stop),
            before_sleep=report_retry,
            reraise=True,
        )
        return retrying(self._once, stored)

    def _once(self, stored: StoredFile) -> RawFile:
        stored_report_id = stored.stored_report_id
        assert stored_report_id is not None  # noqa: S101 - a saved file without an id is not ready
        self.progress(Progress(f"downloading {stored.report_format}", self.report_id))
        with atomic_write(self.folder / raw_name(stored.report_format)) as file:
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
            api_size=stored.size,
            created_at=stored.created_at,
        )

    def _check(self, partial: Path, stored: StoredFile, download: Download) -> None:
        reason = incompleteness(partial, stored.report_format)
        if reason is None:
            return
        raise DownloadError(
            f"what arrived as {stored.report_format} ({download.size} bytes) is not the file: "
            f"{self.client.redact(reason)}",
            todo="Run it again: the same report is downloaded again.",
            report_id=self.report_id,
        ) from BodyError(reason)


def _is_retryable(error: BaseException) -> bool:
    cause = error.__cause__
    return isinstance(error, DownloadError) and isinstance(cause, BodyError) and cause.retry_helps
