"""`stored_report`: the requested report is generated and ready for download."""

from dagster import AssetExecutionContext, MaterializeResult, MetadataValue, ResourceParam

from billing_pipeline.orchestration.accounts import REPORT_POOL, account_asset, account_period, log_progress
from billing_pipeline.orchestration.failures import as_dagster_failure
from billing_pipeline.orchestration.reports import Reports
from billing_pipeline.orchestration.settings import Settings
from billing_pipeline.orchestration.tables import markdown_table


@account_asset(after="report_request", pool=REPORT_POOL, kinds={"acronis"})
def stored_report(
    context: AssetExecutionContext,
    settings: ResourceParam[Settings],
    reports: ResourceParam[Reports],
) -> MaterializeResult[None]:
    """The stored report, once every format of it is saved; generation usually takes 1 to 2 minutes.

    Polled with growing waits until a deadline. A report that failed is requested again, three at most.
    """
    period = account_period(context)
    with as_dagster_failure(context, settings, period):
        request = reports.await_stored(period, log_progress(context))
        report = request.report
        return MaterializeResult(
            metadata={
                "report_id": request.report_id,
                "reports_requested": len(request.reports),
                "waiting_seconds": report.wait_seconds if report else None,
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
