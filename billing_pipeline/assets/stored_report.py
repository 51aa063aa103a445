"""`stored_report`: the report that was ordered is generated and ready for download."""

from dagster import AssetExecutionContext, MaterializeResult, MetadataValue, ResourceParam, asset

from billing_pipeline.assets.failures import one_clear_failure
from billing_pipeline.assets.limits import REPORT_POOL, Limits
from billing_pipeline.assets.partitions import billing_periods
from billing_pipeline.assets.report_request import report_request
from billing_pipeline.assets.resources import AcronisAccount, DataFolder, ProgressReporter
from billing_pipeline.assets.tables import markdown_table
from billing_pipeline.ordering import await_stored_reports
from billing_pipeline.periods import BillingPeriod


@asset(
    partitions_def=billing_periods,
    pool=REPORT_POOL,
    deps=[report_request],
    kinds={"acronis"},
    group_name="acronis_usage",
    owners=["team:billing"],
    code_version="1",
)
def stored_report(
    context: AssetExecutionContext,
    account: AcronisAccount,
    data: DataFolder,
    limits: Limits,
    progress: ResourceParam[ProgressReporter],
) -> MaterializeResult[None]:
    """The stored report, once every format of it is saved; generation usually takes 1 to 2 minutes.

    Polled with growing waits until a deadline. A report that failed is ordered again, three at most.
    """
    period = BillingPeriod.parse(context.partition_key)
    tell = progress.for_run(context, period)
    with one_clear_failure(context, data, period), account.client() as client:
        limits.open_report(tell)
        request = await_stored_reports(
            client,
            data.path,
            period,
            first_wait=account.settings.poll_interval_seconds,
            timeout=account.settings.poll_timeout_seconds,
            progress=tell,
        )
        report = request.report
        return MaterializeResult(
            metadata={
                "report_id": request.report_id,
                "reports_requested": len(request.reports),
                "waiting_seconds": round(report.waited_seconds, 1) if report else None,
                "stored_reports": MetadataValue.md(
                    markdown_table(
                        ("format", "status", "stored report", "size, bytes"),
                        [
                            (each.report_format, each.status, each.stored_report_id, each.size)
                            for each in (report.stored if report else ())
                        ],
                    )
                ),
            }
        )
