"""`report_request`: a usage report is ordered from Acronis for a billing period."""

from dagster import AssetExecutionContext, MaterializeResult, MetadataValue, ResourceParam, asset

from billing_pipeline.acronis import ReportOrder
from billing_pipeline.assets.closing import loadable_period
from billing_pipeline.assets.failures import one_clear_failure
from billing_pipeline.assets.limits import REPORT_POOL, Limits
from billing_pipeline.assets.partitions import billing_periods
from billing_pipeline.assets.resources import AcronisAccount, DataFolder, ProgressReporter
from billing_pipeline.ordering import request_report
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.warehouse.history import loaded_report_ids


@asset(
    partitions_def=billing_periods,
    pool=REPORT_POOL,
    kinds={"acronis"},
    group_name="acronis_usage",
    owners=["team:billing"],
    code_version="1",
)
def report_request(
    context: AssetExecutionContext,
    account: AcronisAccount,
    data: DataFolder,
    limits: Limits,
    progress: ResourceParam[ProgressReporter],
) -> MaterializeResult[None]:
    """A usage report ordered with `POST /reports`, in `json_v2_0` and `csv_v2_0`.

    A request whose report is not loaded yet is continued, not repeated: each POST makes another report.
    """
    period = BillingPeriod.parse(context.partition_key)
    tell = progress.for_run(context, period)
    with (
        one_clear_failure(context, data, period),
        loadable_period(context, data, period),
        account.client() as client,
    ):
        limits.open_report(tell)
        order = ReportOrder.from_settings(
            account.settings, tenant_id=account.settings.tenant_id or client.own_tenant_id(), period=period
        )
        request = request_report(
            client,
            data.path,
            order,
            loaded_report_ids=loaded_report_ids(data.warehouse, period),
            progress=tell,
            first_wait=account.settings.poll_interval_seconds,
            timeout=account.settings.poll_timeout_seconds,
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
