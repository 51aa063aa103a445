"""`stored_report`: the report that was ordered is generated and ready for download."""

from dagster import AssetExecutionContext, MaterializeResult, MetadataValue, ResourceParam

from billing_pipeline.assets.accounts import account_asset, account_period
from billing_pipeline.assets.failures import one_clear_failure
from billing_pipeline.assets.limits import REPORT_POOL, Limits
from billing_pipeline.assets.resources import AcronisAccounts, DataFolder, ProgressReporter
from billing_pipeline.assets.tables import markdown_table
from billing_pipeline.ordering import await_stored_reports


@account_asset(after="report_request", pool=REPORT_POOL, kinds={"acronis"})
def stored_report(
    context: AssetExecutionContext,
    accounts: AcronisAccounts,
    data: DataFolder,
    limits: Limits,
    progress: ResourceParam[ProgressReporter],
) -> MaterializeResult[None]:
    """The stored report, once every format of it is saved; generation usually takes 1 to 2 minutes.

    Polled with growing waits until a deadline. A report that failed is ordered again, three at most.
    """
    subject = account_period(context)
    period, account = subject
    tell = progress.for_run(context, subject)
    with one_clear_failure(context, data, subject), accounts.client(account) as client:
        limits.open_report(account, tell)
        settings = accounts.settings(account)
        request = await_stored_reports(
            client,
            data.of(account),
            period,
            first_wait=settings.poll_interval_seconds,
            timeout=settings.poll_timeout_seconds,
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
