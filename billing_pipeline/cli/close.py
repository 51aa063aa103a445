"""`billing-pipeline close`: protect an invoiced period from being replaced."""

from __future__ import annotations

import click

from billing_pipeline.cli.periods import PERIOD
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.settings import PipelineSettings
from billing_pipeline.warehouse import close_period, open_warehouse


@click.command()
@click.option("--period", required=True, type=PERIOD, help="The period to close.")
@click.option("--note", help="The reason, such as an invoice run; quoted when a load is refused.")
@click.option("--force", is_flag=True, help="Close it although an account's usage is not loaded.")
def command(period: BillingPeriod, note: str | None, force: bool) -> int:
    """Close a period that has been invoiced: from then on it is loaded again only with --force."""
    settings = PipelineSettings.load()
    accounts = () if force else settings.accounts
    close_period(open_warehouse(settings), period, accounts=accounts, note=note)
    print(f"{period} is closed: it is loaded again only with --force.")
    return 0
