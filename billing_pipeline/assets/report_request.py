"""`report_request`: a usage report is ordered from Acronis for a billing period."""

from dagster import AssetExecutionContext, MaterializeResult, MetadataValue, ResourceParam

from billing_pipeline.acronis import ReportOrder
from billing_pipeline.assets.accounts import account_asset, account_period
from billing_pipeline.assets.closing import require_loadable
from billing_pipeline.assets.failures import one_clear_failure
from billing_pipeline.assets.limits import REPORT_POOL, Limits
from billing_pipeline.assets.resources import AcronisAccounts, DataFolder, ProgressReporter
from billing_pipeline.ordering import request_report
from billing_pipeline.warehouse.history import loaded_report_ids


@account_asset(pool=REPORT_POOL, kinds={"acronis"})
def report_request(
    context: AssetExecutionContext,
    accounts: AcronisAccounts,
    data: DataFolder,
    limits: Limits,
    progress: ResourceParam[ProgressReporter],
) -> MaterializeResult[None]:
    """A usage report ordered with `POST /reports`, in `json_v2_0` and `csv_v2_0`.

    A request whose report is not loaded yet is continued, not repeated: each POST makes another report.
    """
    subject = account_period(context)
    period, account = subject
    tell = progress.for_run(context, subject)
    with one_clear_failure(context, data, subject), accounts.client(account) as client:
        require_loadable(context, data, period)
        limits.open_report(account, tell)
        settings = accounts.settings(account)
        order = ReportOrder.from_settings(
            settings, tenant_id=settings.tenant_id or client.own_tenant_id(), period=period
        )
        request = request_report(
            client,
            data.of(account),
            order,
            loaded_report_ids=loaded_report_ids(data.warehouse, period),
            progress=tell,
            first_wait=settings.poll_interval_seconds,
            timeout=settings.poll_timeout_seconds,
        )
        report = request.report
        return MaterializeResult(
            metadata={
                "report_id": request.report_id,
                "origin": report.origin if report else None,
                "requested_at": MetadataValue.timestamp(report.requested_at if report else request.opened_at),
                "order": MetadataValue.json(request.order),
                "data_centre": request.api_base_url,
            }
        )
