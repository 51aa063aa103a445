"""The load of one period: normalise its raw report into the warehouse, without the network."""

import logging
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

from billing_pipeline.errors import BillingPipelineError, ReportRefusedError
from billing_pipeline.files import reporting_io_errors
from billing_pipeline.landing import RawReport, period_lock
from billing_pipeline.loading.checks import LoadStoppedError
from billing_pipeline.loading.cross_check import CrossCheckMode
from billing_pipeline.loading.replace import replace_period
from billing_pipeline.normalize import CsvReport, JsonReport, UnknownLayoutError
from billing_pipeline.ordering import report_to_load
from billing_pipeline.ordering.state import Outcome, load_requests, record_outcome
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.reports import CSV_FORMAT, JSON_FORMAT, DeltaItems
from billing_pipeline.warehouse import LoadAttempt, Warehouse

_log = logging.getLogger(__name__)


def load_period(
    folder: Path,
    warehouse: Warehouse,
    period: BillingPeriod,
    *,
    account: str,
    run_id: str,
    cross_check: CrossCheckMode = "stop",
    delta_items: DeltaItems = "accumulating",
    forced: bool = False,
) -> LoadAttempt:
    """Replace the period's rows by those of its latest raw report.

    Args:
        folder: the account's folder of requests and raw reports.
        account: whose rows are replaced.
        run_id: of the Dagster run, for the history.
        cross_check: what a difference between the report's two files does.
        delta_items: which items are billed by `delta`; recorded with the load.
        forced: load the period even if it is closed.

    Returns:
        The attempt as recorded in `load_history`.

    Raises:
        PeriodClosedError: the period is closed.
        RawReportError: there is no whole raw report.
        DataFolderError: there is no room to read it.
        ReportRefusedError: its content cannot be trusted; the next run requests another report.
        WarehouseError: the warehouse could not be changed.
    """
    report_id: str | None = None
    try:
        with period_lock(folder, period):
            # Under the lock: a report that another run loads meanwhile must not be replaced by an older one.
            raw = report_to_load(folder, period)
            report_id = raw.report_id
            attempt = _attempt(folder, account, raw, run_id=run_id, delta_items=delta_items, forced=forced)
            try:
                loaded = _replace(folder, warehouse, raw, attempt, cross_check)
            except ReportRefusedError as error:
                record_outcome(folder, period, report_id, Outcome.REFUSED, error.what)
                raise
            try:
                record_outcome(folder, period, report_id, Outcome.LOADED)
            except BillingPipelineError as error:
                # The rows are committed, so this must not fail the load.
                _log.warning("%s is loaded, but its state could not be written: %s", period, error)
            return loaded
    except BillingPipelineError as error:
        error.about(period=period.key, report_id=report_id)
        raise


def _replace(
    folder: Path, warehouse: Warehouse, raw: RawReport, attempt: LoadAttempt, cross_check: CrossCheckMode
) -> LoadAttempt:
    parameters = raw.manifest.parameters
    work_dir = folder / "work" / attempt.period.key
    # Left by a killed load; the period's lock guarantees that no other load uses the folder.
    shutil.rmtree(work_dir, ignore_errors=True)
    days = parameters.period.start, parameters.period.end
    try:
        with reporting_io_errors(work_dir):
            report = JsonReport(raw.path(JSON_FORMAT), parameters, work_dir)
        days = report.period_start, report.period_end
        with report:
            witness: CsvReport | ReportRefusedError | None = None
            if cross_check != "off" and raw.has(CSV_FORMAT):
                try:
                    with reporting_io_errors(raw.path(CSV_FORMAT)):
                        witness = CsvReport(raw.path(CSV_FORMAT), *days)
                except ReportRefusedError as error:
                    witness = error  # the cross-check decides what that means for the load
            return replace_period(warehouse, report, attempt, witness=witness, cross_check_mode=cross_check)
    except UnknownLayoutError as error:
        if not raw.has(CSV_FORMAT):
            raise
        return _replace_from_csv(warehouse, raw, attempt, days, error)
    finally:
        shutil.rmtree(work_dir, ignore_errors=True)


def _replace_from_csv(
    warehouse: Warehouse,
    raw: RawReport,
    attempt: LoadAttempt,
    days: tuple[date, date],
    unknown_layout: UnknownLayoutError,
) -> LoadAttempt:
    file = raw.file(CSV_FORMAT)
    attempt = replace(
        attempt,
        report_format=CSV_FORMAT,
        stored_report_id=file.stored_report_id,
        raw_bytes=file.size,
        raw_sha256=file.sha256,
    )
    try:
        report = CsvReport(raw.path(CSV_FORMAT), *days)
        return replace_period(warehouse, report, attempt, unknown_layout=unknown_layout)
    except LoadStoppedError:
        raise
    except ReportRefusedError as error:
        error.what = f"{unknown_layout.what}; and csv_v2_0 cannot be read: {error.what}"
        raise


def _attempt(
    folder: Path, account: str, raw: RawReport, *, run_id: str, delta_items: DeltaItems, forced: bool
) -> LoadAttempt:
    manifest, file = raw.manifest, raw.file(JSON_FORMAT)
    period = manifest.parameters.period
    request, report = load_requests(folder, period).reports.get(raw.report_id, (None, None))
    requested = [each.report_id for each in request.reports] if request else [raw.report_id]
    stored = report.stored if report else ()
    return LoadAttempt(
        period=period,
        account=account,
        outcome="failed",
        root_tenant_id=manifest.parameters.tenant_id,
        report_kind=manifest.parameters.kind,
        report_level=manifest.parameters.level,
        report_id=manifest.report_id,
        report_format=JSON_FORMAT,
        stored_report_id=file.stored_report_id,
        requested_report_ids=tuple(requested),
        stored_report_statuses={each.report_format: each.status for each in stored},
        requested_at=manifest.requested_at,
        ready_at=manifest.ready_at,
        wait_seconds=round((manifest.ready_at - manifest.requested_at).total_seconds(), 3),
        raw_bytes=file.size,
        raw_sha256=file.sha256,
        run_id=run_id,
        delta_items=delta_items,
        forced=forced,
    )
