"""Downloading the formats of a ready report into `raw/<period>/<report id>/`."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from billing_pipeline.acronis import AcronisClient, BodyError, Download
from billing_pipeline.acronis.client import DOWNLOAD_TIMEOUT_SECONDS, MAX_DOWNLOAD_BYTES
from billing_pipeline.errors import ApiError, DownloadError, ReportNotReadyError
from billing_pipeline.files import atomic_write, remove_partial_files
from billing_pipeline.landing import Manifest, RawFile, RawReport, is_sealed, raw_folder, verified
from billing_pipeline.landing.raw_reports import raw_name, seal
from billing_pipeline.ordering.completeness import incompleteness
from billing_pipeline.ordering.progress import Progress, ProgressCallback, ignore_progress
from billing_pipeline.ordering.request import current_request, locked_requests
from billing_pipeline.ordering.state import Outcome, ReportRequest, RequestedReport, StoredFile, save_requests
from billing_pipeline.periods import BillingPeriod

DOWNLOAD_ATTEMPTS = 3
"""Downloads of one file that arrives incomplete; a request without a response has its own retries."""
MAX_FAILED_RUNS = 2
"""Runs that may fail to download a report before the next run requests another one."""


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
        DownloadError: a file is incomplete, is not a report, or cannot be downloaded although other calls
            work. After `MAX_FAILED_RUNS` runs the next run requests another report.
        ReportNotReadyError: the report was not seen ready.
        ApiError: refused, or unreachable. After 404 or 410 the next run requests another report.
        DataFolderError: a file cannot be written.
        RawReportError: the raw report on disk is damaged.
    """
    with locked_requests(client, data_dir, period, progress) as requests:
        request = current_request(requests)
        report = request.reports[-1]
        folder = raw_folder(data_dir, period, report.report_id)
        if is_sealed(data_dir, period, report.report_id):
            return verified(folder, period)
        if report.ready_at is None:
            raise ReportNotReadyError(
                "the report was not ready at the last poll",
                todo="Start with stored_report, the step before: it waits for the report.",
            )
        remove_partial_files(folder)
        try:
            files = tuple(
                _download(client, folder, stored, progress, max_bytes=max_bytes, timeout=timeout)
                for stored in report.stored
            )
        except (ApiError, DownloadError) as error:
            if not client.stop.is_set():
                _record_failure(request, report, error)
                save_requests(data_dir, period, requests)
            raise
        manifest = Manifest(
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
        return seal(folder, manifest)


def _record_failure(request: ReportRequest, report: RequestedReport, error: ApiError | DownloadError) -> None:
    """Close the request if its report cannot be used: it is gone, or several runs could not download a file.

    Each of these runs has just polled the report, so the API as such was available.
    """
    if isinstance(error, ApiError) and error.is_about_client:
        return
    if isinstance(error, ApiError) and error.is_gone:
        request.close(Outcome.GONE, "the API no longer knows the stored report")
    else:
        report.failed_downloads += 1
        if report.failed_downloads < MAX_FAILED_RUNS:
            return
        request.close(Outcome.REFUSED, error.what)
    error.about(todo="Run it again: another report is requested.")


def _download(
    client: AcronisClient,
    folder: Path,
    stored: StoredFile,
    progress: ProgressCallback,
    *,
    max_bytes: int,
    timeout: float,
) -> RawFile:
    """Download one format into the report's folder, in several attempts if necessary."""
    report_id, name = folder.name, raw_name(stored.report_format)
    stored_report_id = stored.stored_report_id
    assert stored_report_id is not None  # noqa: S101 - a saved file without an id is not ready
    attempt = 1
    while True:
        progress(Progress(f"downloading {stored.report_format}", report_id))
        try:
            with atomic_write(folder / name) as file:
                download = client.download(
                    report_id, stored_report_id, file, max_bytes=max_bytes, timeout=timeout
                )
                file.flush()
                _require_complete(client, Path(file.name), stored.report_format, download)
            break
        except ApiError as error:
            if error.is_outage or error.is_gone:
                raise
            what = f"{stored.report_format} cannot be downloaded: {error.what}"
            raise DownloadError(what, todo=error.todo) from error
        except DownloadError as error:
            cause = error.__cause__
            retry_helps = isinstance(cause, BodyError) and cause.retry_helps
            if not retry_helps or attempt == DOWNLOAD_ATTEMPTS or client.stop.is_set():
                raise
            pause = client.retry_policy.wait(attempt, None)
            progress(Progress(error.what, report_id, next_poll_seconds=pause, warning=True))
            client.stop.wait(pause)
            attempt += 1
    return RawFile(
        report_format=stored.report_format,
        name=name,
        stored_report_id=stored_report_id,
        **asdict(download),
        api_size=stored.size,
        created_at=stored.created_at,
    )


def _require_complete(client: AcronisClient, file: Path, report_format: str, download: Download) -> None:
    reason = incompleteness(file, report_format)
    if reason is not None:
        raise DownloadError(
            f"what arrived as {report_format} ({download.size} bytes) is not the file: "
            f"{client.redact(reason)}",
            todo="Run it again: the same report is downloaded again.",
        ) from BodyError(reason)
