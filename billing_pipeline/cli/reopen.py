"""`billing-pipeline reopen`: allow loads of a closed period again."""

import click

from billing_pipeline.charges import reopen_period
from billing_pipeline.cli.periods import PERIOD
from billing_pipeline.orchestration.month_report import MonthReports
from billing_pipeline.orchestration.settings import Settings
from billing_pipeline.periods import BillingPeriod


@click.command(epilog='\b\nExample:\n  billing-pipeline reopen --period 2026-09 --note "wrong price list"')
@click.option("--period", required=True, type=PERIOD, help="The closed period.")
@click.option("--note", help="The reason.")
@click.option("--void", is_flag=True, help="Void its invoice lines, because its invoices were never sent.")
def command(period: BillingPeriod, note: str | None, void: bool) -> int:
    """Reopen a closed period: the next load replaces it. Its invoice lines stay as they are."""
    settings = Settings()
    voided = reopen_period(settings.warehouse, period, note=note, void=void)
    print(f"{period} is open: the next load replaces it.")
    if void:
        print(f"Invoice lines voided: {voided:,}. Closing it again freezes new ones.")
    MonthReports(settings).after_closing(period)
    return 0
