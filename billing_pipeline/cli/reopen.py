"""`billing-pipeline reopen`: allow loads of a closed period again."""

from __future__ import annotations

import click

from billing_pipeline.cli.periods import PERIOD
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.settings import PipelineSettings
from billing_pipeline.warehouse import open_warehouse, reopen_period


@click.command()
@click.option("--period", required=True, type=PERIOD, help="The closed period.")
@click.option("--note", help="The reason.")
def command(period: BillingPeriod, note: str | None) -> int:
    """Reopen a closed period: the next load replaces it."""
    reopen_period(open_warehouse(PipelineSettings.load()), period, note=note)
    print(f"{period} is open: the next load replaces it.")
    return 0
