"""`report_request`: a usage report is requested from Acronis for a billing period."""

from dagster import AssetExecutionContext, MaterializeResult, MetadataValue, ResourceParam

from billing_pipeline.acronis import request_body
from billing_pipeline.orchestration.accounts import REPORT_POOL, account_asset, account_period, log_progress
from billing_pipeline.orchestration.failures import as_dagster_failure
from billing_pipeline.orchestration.forced_runs import is_forced, require_loadable
from billing_pipeline.orchestration.reports import Reports
from billing_pipeline.orchestration.settings import Settings


@account_asset(pool=REPORT_POOL, kinds={"acronis"})
def report_request(
    context: AssetExecutionContext,
    settings: ResourceParam[Settings],
    reports: ResourceParam[Reports],
) -> MaterializeResult[None]:
    """A usage report requested with `POST /reports`, in `json_v2_0` and `csv_v2_0`.

    A request whose report is not loaded yet is continued, not repeated: each POST creates another report.
    """
    period = account_period(context)
    with as_dagster_failure(context, settings, period):
        require_loadable(settings.warehouse, period.period, forced=is_forced(context))
        request = reports.request(period, log_progress(context))
        report = request.report
        return MaterializeResult(
            metadata={
                "report_id": request.report_id,
                "origin": report.origin if report else None,
                "requested_at": MetadataValue.timestamp(report.requested_at if report else request.opened_at),
                "request": MetadataValue.json(request_body(request.parameters)),
                "data_centre": request.api_base_url,
            }
        )
