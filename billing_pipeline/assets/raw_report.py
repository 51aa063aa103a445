"""`raw_report`: the stored report's files on disk, exactly as received."""

from dagster import AssetExecutionContext, MaterializeResult, MetadataValue, ResourceParam

from billing_pipeline.assets.accounts import account_asset, account_period
from billing_pipeline.assets.failures import one_clear_failure
from billing_pipeline.assets.limits import REPORT_POOL, Limits
from billing_pipeline.assets.resources import AcronisAccounts, DataFolder, ProgressReporter
from billing_pipeline.assets.tables import markdown_table
from billing_pipeline.ordering import download_report


@account_asset(after="stored_report", pool=REPORT_POOL, kinds={"json", "csv", "file"})
def raw_report(
    context: AssetExecutionContext,
    accounts: AcronisAccounts,
    data: DataFolder,
    limits: Limits,
    progress: ResourceParam[ProgressReporter],
) -> MaterializeResult[None]:
    """The report's files below `raw/<period>/<report id>/`, with a manifest that vouches for them.

    Never changed once written; enough to rebuild the warehouse with the network off.
    """
    subject = account_period(context)
    period, account = subject
    tell = progress.for_run(context, subject)
    with one_clear_failure(context, data, subject), accounts.client(account) as client:
        limits.open_report(account, tell)
        with limits.download(tell):
            raw = download_report(
                client, data.of(account), period, progress=tell, max_bytes=data.max_report_bytes
            )
        limits.downloaded(account)
        return MaterializeResult(
            metadata={
                "report_id": raw.report_id,
                "folder": MetadataValue.path(raw.folder),
                "bytes": sum(file.size for file in raw.manifest.files),
                "files": MetadataValue.md(
                    markdown_table(
                        ("file", "bytes", "SHA-256"),
                        [(file.name, file.size, file.sha256) for file in raw.manifest.files],
                    )
                ),
            }
        )
