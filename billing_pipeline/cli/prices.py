"""`billing-pipeline prices`: what customers pay, and what it costs us."""

import logging
import sys

import click

from billing_pipeline.charges import PRICES_FOLDER, PriceLoad, check_prices, load_prices, write_template
from billing_pipeline.cli.periods import PERIOD
from billing_pipeline.orchestration.month_report import MonthReports
from billing_pipeline.orchestration.settings import Settings
from billing_pipeline.periods import BillingPeriod

_log = logging.getLogger(__name__)


@click.group(
    epilog=f"The files are {PRICES_FOLDER}/sell.csv (what customers pay), buy.csv (what it costs us) and "
    "customers.csv (terms), in the data folder; docs/prices.md describes them."
    "\n\n\b\nExample:\n  billing-pipeline prices load"
)
def command() -> None:
    """Load, check or prepare the price files."""


@command.command(epilog="\b\nExample:\n  billing-pipeline prices load")
@click.option("--force", is_flag=True, help="Even if closed months would cost something else; recorded.")
def load(force: bool) -> int:
    """Replace prices and terms by those of the price files, or change nothing."""
    settings = Settings()
    found = load_prices(settings.warehouse, settings.pipeline.data_dir / PRICES_FOLDER, forced=force)
    _show(found, "loaded" if found.is_new else "loaded before, nothing changed")
    if found.is_new:
        MonthReports(settings).renew()
    return 0


@command.command(epilog="\b\nExample:\n  billing-pipeline prices check")
def check() -> int:
    """Say what load would do, and change nothing."""
    settings = Settings()
    found = check_prices(settings.warehouse, settings.pipeline.data_dir / PRICES_FOLDER)
    _show(found, "no errors")
    return 0


@command.command(epilog="\b\nExample:\n  billing-pipeline prices template --period last > sell.csv")
@click.option("--period", required=True, type=PERIOD, help="The month whose usage is to be priced.")
def template(period: BillingPeriod) -> int:
    """Print a sell.csv with everything that is billed in a period; fill in unit_price and currency."""
    write_template(Settings().warehouse, period, sys.stdout)
    return 0


def _show(found: PriceLoad, outcome: str) -> None:
    files = (f"{name} {rows:,} row{'' if rows == 1 else 's'}" for name, rows in found.rows.items())
    print(f"{', '.join(files)}: {outcome}")
    for line in (*found.changed_months, *found.warnings):
        _log.warning("%s", line)
