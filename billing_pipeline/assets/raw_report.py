"""`raw_report`: the stored report's files on disk, exactly as received."""

from dagster import AssetExecutionContext, MaterializeResult, MetadataValue, ResourceParam, asset

from billing_pipeline.assets.failures import one_clear_failure
from billing_pipeline.assets.limits import REPORT_POOL, Limits
from billing_pipeline.assets.partitions import billing_periods
from billing_pipeline.assets.resources import AcronisAccount, DataFolder, ProgressReporter
from billing_pipeline.assets.stored_report import stored_report
from billing_pipeline.assets.tables import markdown_table
from billing_pipeline.ordering import download_report
from billing_pipeline.periods import BillingPeriod


@asset(
    partitions_def=billing_periods,
    pool=REPORT_POOL,
    deps=[stored_report],
    kinds={"json", "csv", "file"},
    group_name="acronis_usage",
    owners=["team:billing"],
    code_version="1",
)
def raw_report(
    context: AssetExecutionContext,
    account: AcronisAccount,
    data: DataFolder,
    limits: Limits,
    progress: ResourceParam[ProgressReporter],
) -> MaterializeResult[None]:
    """The report's files below `raw/<period>/<report id>/`, with a manifest that vouches for them.

    Never changed once written; enough to rebuild the warehouse with the network off.
    """
    period = BillingPeriod.parse(context.partition_key)
    tell = progress.for_run(context, period)
    with one_clear_failure(context, data, period), account.client() as client:
        limits.open_report(tell)
        with limits.download(tell):
            raw = download_report(client, data.path, period, progress=tell, max_bytes=data.max_report_bytes)
        limits.downloaded()
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
