"""`billing-pipeline report`: a summary page of a period, for the browser."""

from __future__ import annotations

from pathlib import Path

import click

from billing_pipeline.cli.missing_accounts import warn_of_missing_accounts
from billing_pipeline.cli.periods import PERIOD
from billing_pipeline.files import refuse_internal_path
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.settings import PipelineSettings
from billing_pipeline.warehouse import open_warehouse


@click.command()
@click.option("--period", type=PERIOD, default="last", help="Default: the last closed month.")
@click.option("--output", type=click.Path(path_type=Path), help="Default: month-report-YYYY-MM.html here.")
def command(period: BillingPeriod, output: Path | None) -> int:
    """Write a summary page of a period, for the browser."""
    from billing_pipeline.month_report import write_month_report  # noqa: PLC0415

    path = output or Path(f"month-report-{period}.html")
    settings = PipelineSettings.load()
    refuse_internal_path(path, settings.data_dir)
    warehouse = open_warehouse(settings)
    write_month_report(warehouse, period, path)
    print(f"{path}: {period} at a glance; open it in a browser")
    warn_of_missing_accounts(warehouse, period, settings.accounts)
    return 0
