"""The page of a month, written beside the warehouse and linked from the asset."""

from dagster import AssetExecutionContext, MetadataValue, PathMetadataValue

from billing_pipeline.errors import BillingPipelineError, first_line
from billing_pipeline.files import make_folder
from billing_pipeline.orchestration.settings import Settings
from billing_pipeline.periods import BillingPeriod


def month_report_link(
    context: AssetExecutionContext, settings: Settings, period: BillingPeriod
) -> dict[str, PathMetadataValue]:
    """Write `<data>/reports/<period>.html`, and return the metadata that links to it.

    The month is published already, so a page that cannot be written is a warning and not a failed load.
    """
    # Slow to import, and needed by this step alone.
    import duckdb  # noqa: PLC0415

    from billing_pipeline.month_report import write_month_report  # noqa: PLC0415

    path = settings.pipeline.data_dir / "reports" / f"{period}.html"
    try:
        make_folder(path.parent)
        write_month_report(settings.warehouse, period, path)
    except (BillingPipelineError, OSError, duckdb.Error) as error:
        context.log.warning(f"The month's page could not be written: {first_line(error)}")
        return {}
    return {"month_report": MetadataValue.path(path)}
