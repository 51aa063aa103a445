"""The assets of a report at Acronis: requested, stored, on disk."""

import dagster as dg

from billing_pipeline.acronis import request_body
from billing_pipeline.orchestration.accounts import REPORT_POOL, account_asset, log_progress
from billing_pipeline.orchestration.failures import as_dagster_failure
from billing_pipeline.orchestration.reports import Reports
from billing_pipeline.orchestration.settings import Settings
from billing_pipeline.orchestration.tables import markdown_table


@account_asset(pool=REPORT_POOL, kinds={"acronis"})
def report_request(
    context: dg.AssetExecutionContext,
    settings: dg.ResourceParam[Settings],
    reports: dg.ResourceParam[Reports],
) -> dg.MaterializeResult[None]:
    """A usage report requested with `POST /reports`, in `json_v2_0` and `csv_v2_0`.

    A request whose report is not loaded yet is continued, not repeated: each POST creates another report.
    """
    with as_dagster_failure(context, settings) as period:
        settings.require_loadable(period.period)
        request = reports.request(period, log_progress(context))
    report = request.reports[-1]
    return dg.MaterializeResult(
        metadata={
            "report_id": report.report_id,
            "origin": report.origin,
            "requested_at": dg.MetadataValue.timestamp(report.requested_at),
            "request": dg.MetadataValue.json(request_body(request.parameters)),
            "data_centre": request.api_base_url,
        }
    )


@account_asset(after="report_request", pool=REPORT_POOL, kinds={"acronis"})
def stored_report(
    context: dg.AssetExecutionContext,
    settings: dg.ResourceParam[Settings],
    reports: dg.ResourceParam[Reports],
) -> dg.MaterializeResult[None]:
    """The stored report, once every format of it is saved; generation usually takes 1 to 2 minutes.

    Polled with growing waits until a deadline. A report that failed is requested again, three at most.
    """
    with as_dagster_failure(context, settings) as period:
        request = reports.await_stored(period, log_progress(context))
    report = request.reports[-1]
    return dg.MaterializeResult(
        metadata={
            "report_id": report.report_id,
            "reports_requested": len(request.reports),
            "waiting_seconds": report.wait_seconds,
            "stored_reports": markdown_table(
                ("format", "status", "stored report", "size, bytes"),
                [
                    (each.report_format, each.status, each.stored_report_id, each.size)
                    for each in report.stored
                ],
            ),
        }
    )


@account_asset(after="stored_report", pool=REPORT_POOL, kinds={"json", "csv", "file"})
def raw_report(
    context: dg.AssetExecutionContext,
    settings: dg.ResourceParam[Settings],
    reports: dg.ResourceParam[Reports],
) -> dg.MaterializeResult[None]:
    """The report's files below `raw/<period>/<report id>/`, with a manifest of their sizes and SHA-256.

    Never changed once written; enough to rebuild the warehouse with the network off.
    """
    with as_dagster_failure(context, settings) as period:
        raw = reports.download(period, log_progress(context))
    files = raw.manifest.files
    return dg.MaterializeResult(
        metadata={
            "report_id": raw.report_id,
            "folder": dg.MetadataValue.path(raw.folder),
            "bytes": sum(file.size for file in files),
            "files": markdown_table(
                ("file", "bytes", "SHA-256"), [(file.name, file.size, file.sha256) for file in files]
            ),
        }
    )
