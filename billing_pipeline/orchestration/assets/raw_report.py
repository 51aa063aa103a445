"""`raw_report`: the stored report's files on disk, exactly as received."""

from dagster import AssetExecutionContext, MaterializeResult, MetadataValue, ResourceParam

from billing_pipeline.orchestration.accounts import REPORT_POOL, account_asset, account_period, log_progress
from billing_pipeline.orchestration.failures import as_dagster_failure
from billing_pipeline.orchestration.reports import Reports
from billing_pipeline.orchestration.settings import Settings
from billing_pipeline.orchestration.tables import markdown_table


@account_asset(after="stored_report", pool=REPORT_POOL, kinds={"json", "csv", "file"})
def raw_report(
    context: AssetExecutionContext,
    settings: ResourceParam[Settings],
    reports: ResourceParam[Reports],
) -> MaterializeResult[None]:
    """The report's files below `raw/<period>/<report id>/`, with a manifest of their sizes and SHA-256.

    Never changed once written; enough to rebuild the warehouse with the network off.
    """
    period = account_period(context)
    with as_dagster_failure(context, settings, period):
        raw = reports.download(period, log_progress(context))
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
