"""`billing-pipeline export`: a period for a spreadsheet or another system."""

from __future__ import annotations

from pathlib import Path

import click

from billing_pipeline.cli.missing_accounts import warn_of_missing_accounts
from billing_pipeline.cli.periods import PERIOD
from billing_pipeline.errors import PeriodError
from billing_pipeline.files import refuse_internal_path
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.settings import PipelineSettings
from billing_pipeline.warehouse import open_warehouse
from billing_pipeline.warehouse.exporting import EXPORTABLE, FORMATS, export_period, file_name


@click.command(
    epilog="CSV is UTF-8; text that a spreadsheet would evaluate as a formula is prefixed with an "
    "apostrophe. Parquet holds every value unchanged."
)
@click.option(
    "--period", "periods", type=PERIOD, required=True, multiple=True, help="Repeatable; one file each."
)
@click.option("--format", "file_format", type=click.Choice(FORMATS), default="csv", help="Default: csv.")
@click.option(
    "--table", type=click.Choice(EXPORTABLE), default=EXPORTABLE[0], help=f"Default: {EXPORTABLE[0]}."
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="File, or folder for files named like usage-2026-09.csv; default: this folder.",
)
def command(periods: tuple[BillingPeriod, ...], file_format: str, table: str, output: Path | None) -> int:
    """Write a period to a CSV or Parquet file, which appears only once it is complete."""
    target = output or Path()
    if len(periods) > 1 and not target.is_dir():
        raise PeriodError(
            f"{len(periods)} periods do not fit into one file, {target}",
            todo="Set --output to an existing folder, or export one period.",
        )
    settings = PipelineSettings.load()
    refuse_internal_path(target, settings.data_dir)
    warehouse = open_warehouse(settings)
    for period in periods:
        name = file_name(table, period, file_format)
        path = target / name if target.is_dir() else target
        rows = export_period(warehouse, period, table, file_format, path)
        print(f"{path}: {rows:,} rows of {table}, {period}")
        warn_of_missing_accounts(warehouse, period, settings.accounts)
    return 0
