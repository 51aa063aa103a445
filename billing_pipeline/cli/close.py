"""`billing-pipeline close`: freeze a period's charges, and protect it from being replaced."""

import logging
from collections.abc import Iterator

import click

from billing_pipeline.charges import PRICES_FOLDER, Closing, close_period
from billing_pipeline.cli.periods import PERIOD
from billing_pipeline.orchestration.month_report import MonthReports
from billing_pipeline.orchestration.settings import Settings
from billing_pipeline.periods import BillingPeriod

_log = logging.getLogger(__name__)


@click.command(epilog='\b\nExample:\n  billing-pipeline close --period 2026-09 --note "invoice run 9"')
@click.option("--period", required=True, type=PERIOD, help="The period to close.")
@click.option("--note", help="The reason, such as an invoice run; quoted when a load is refused.")
@click.option(
    "--force",
    is_flag=True,
    help="Close it although an account's usage is not loaded, usage has no price, or price files differ from "
    "the prices in force; recorded.",
)
def command(period: BillingPeriod, note: str | None, force: bool) -> int:
    """Close a period: freeze its charges as invoice lines. From then on it is loaded again only with --force.

    What months that were closed before cost instead, because they were loaded again or their prices were
    corrected, is reversed and recharged on the invoices of this period.
    """
    settings = Settings()
    accounts = settings.pipeline.accounts
    closing = close_period(
        settings.warehouse,
        period,
        accounts=accounts,
        prices_folder=settings.pipeline.data_dir / PRICES_FOLDER,
        note=note,
        forced=force,
    )
    print(f"{period} is closed: it is loaded again only with --force.")
    for line in _summary(closing):
        print(line)
    for item in closing.unpriced:
        _log.warning("not invoiced: %s", item)
    MonthReports(settings).after_closing(period)
    return 0


def _summary(closing: Closing) -> Iterator[str]:
    for total in closing.frozen:
        what = "Invoiced" if total.is_charge else f"Corrections of {total.charge_period:%Y-%m}"
        lines = f"{total.lines:,} line{'' if total.lines == 1 else 's'}"
        customers = f"{total.customers:,} customer{'' if total.customers == 1 else 's'}"
        yield f"{what}: {total.amount:,} {total.currency}, {lines}, {customers}"
    if not closing.has_prices:
        yield "No prices are loaded, so nothing was charged (docs/prices.md)."
    elif not closing.frozen:
        yield "Nothing new was invoiced."
