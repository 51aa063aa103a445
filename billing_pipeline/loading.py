"""The load of one period: its raw report on disk, normalised, into the warehouse. Needs no network."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from billing_pipeline.acronis import ReportOrder
from billing_pipeline.errors import BillingPipelineError, RawReportError, ReportRefusedError
from billing_pipeline.landing import RawReport, latest_raw_report, load_requests, period_lock
from billing_pipeline.landing.atomic import explained
from billing_pipeline.normalize import CsvReport, ExpectedReport, JsonReport
from billing_pipeline.ordering import mark_refused
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.warehouse import CrossCheckMode, LoadAttempt, Warehouse, Witness, replace_period
from billing_pipeline.warehouse.history import loaded_report_ids

_FORMAT = "json_v2_0"
_WITNESS_FORMAT = "csv_v2_0"


def load_period(
    folder: Path,
    warehouse: Warehouse,
    period: BillingPeriod,
    *,
    account: str,
    run_id: str,
    cross_check: CrossCheckMode = "stop",
    forced: bool = False,
) -> LoadAttempt:
    """Replace the period's rows by those of its latest raw report.

    Args:
        folder: where the account's raw reports lie.
        account: whose rows are replaced.
        run_id: of the Dagster run, for the history.
        cross_check: what a difference between the report's two files does.
        forced: load the period even if it is closed.

    Returns:
        The attempt as recorded in `load_history`.

    Raises:
        PeriodClosedError: the period is closed.
        RawReportError: there is no whole raw report, or no room to read it.
        ReportRefusedError: its content cannot be trusted; the next run orders another report.
        WarehouseError: the warehouse could not be changed.
    """
    raw: RawReport | None = None
    try:
        with period_lock(folder, period), ExitStack() as files:
            # Under the lock, or a report that another run loads meanwhile would be replaced by an older one.
            raw = latest_raw_report(folder, period)
            order = _order(raw)
            expected = ExpectedReport(
                period=period, kind=order.kind, level=order.level, tenant_id=order.tenant_id
            )
            attempt = replace(_attempt(folder, period, account, raw, order), run_id=run_id, forced=forced)
            work_dir = folder / "work" / period.key
            # What a killed load left; the lock says that nobody else is at work on the period.
            shutil.rmtree(work_dir, ignore_errors=True)
            files.callback(shutil.rmtree, work_dir, ignore_errors=True)
            with explained(work_dir):
                report = JsonReport(raw.path(_FORMAT), expected, work_dir)
            files.enter_context(report)
            witness = None
            if cross_check != "off" and _WITNESS_FORMAT in {
                file.report_format for file in raw.manifest.files
            }:
                witness = _open_witness(files, raw, expected)
            return replace_period(warehouse, report, attempt, witness=witness, cross_check_mode=cross_check)
    except ReportRefusedError as error:
        if raw is not None:
            error.about(period=period.key, report_id=raw.report_id)
            # One that was loaded before is refused by stricter settings only: it is still the last good one.
            if raw.report_id not in loaded_report_ids(warehouse, period):
                mark_refused(folder, period, raw.report_id, error.what)
        raise
    except BillingPipelineError as error:
        error.about(period=period.key, report_id=raw.report_id if raw else None)
        raise


def _order(raw: RawReport) -> ReportOrder:
    try:
        return ReportOrder.from_body(raw.manifest.order)
    except ValueError as error:
        raise RawReportError(
            f"its manifest is damaged: {error}",
            todo="Restore the raw report, or run the period again: another report is ordered.",
            period=raw.manifest.period,
            report_id=raw.report_id,
        ) from error


def _open_witness(files: ExitStack, raw: RawReport, expected: ExpectedReport) -> Witness | ReportRefusedError:
    try:
        witness = CsvReport(raw.path(_WITNESS_FORMAT), expected)
    except ReportRefusedError as error:
        return error  # what it does to the load is the cross-check's to say
    files.enter_context(witness)
    return witness


def _attempt(
    folder: Path, period: BillingPeriod, account: str, raw: RawReport, order: ReportOrder
) -> LoadAttempt:
    file = raw.file(_FORMAT)
    requests = [
        request
        for request in load_requests(folder, period).requests
        if raw.report_id in {report.report_id for report in request.reports}
    ]
    return LoadAttempt(
        period=period,
        account=account,
        outcome="failed",
        root_tenant_id=order.tenant_id,
        report_kind=order.kind,
        report_level=order.level,
        report_id=raw.report_id,
        stored_report_id=file.stored_report_id,
        requested_report_ids=tuple(report.report_id for request in requests for report in request.reports)
        or (raw.report_id,),
        stored_report_statuses={
            stored.report_format: stored.status
            for request in requests
            for report in request.reports
            if report.report_id == raw.report_id
            for stored in report.stored
        },
        requested_at=raw.manifest.requested_at,
        ready_at=raw.manifest.ready_at,
        wait_seconds=Decimal(str(round(raw.manifest.waited_seconds, 3))),
        raw_bytes=file.size,
        raw_sha256=file.sha256,
    )
