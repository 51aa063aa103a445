"""`billing-pipeline report`: a summary page of a period, for the browser."""

from pathlib import Path

import click

from billing_pipeline.cli.missing_accounts import warn_of_missing_accounts
from billing_pipeline.cli.periods import PERIOD
from billing_pipeline.cli.streams import STDOUT, file_or_stdout
from billing_pipeline.files import refuse_internal_path
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.settings import PipelineSettings
from billing_pipeline.warehouses import open_warehouse


@click.command(epilog="\b\nExample:\n  billing-pipeline report --period 2026-09 --output september.html")
@click.option("--period", type=PERIOD, default="last", help="Default: the last complete month.")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="Write only the page, to this file; - for stdout. Default: the page and CSV files, in reports.",
)
def command(period: BillingPeriod, output: Path | None) -> int:
    """Write a summary page of a period, for the browser."""
    from billing_pipeline.month_report import write_month, write_month_report  # noqa: PLC0415

    settings = PipelineSettings.load()
    warehouse = open_warehouse(settings)
    if output:
        refuse_internal_path(output, settings.data_dir)
        with file_or_stdout(output) as file:
            write_month_report(warehouse, period, file)
    path = output or write_month(warehouse, period, settings.reports_dir)
    if path != STDOUT:
        print(f"{path}: {period} at a glance; open it in a browser")
    warn_of_missing_accounts(warehouse, period, settings.accounts)
    return 0
