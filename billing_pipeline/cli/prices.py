"""`billing-pipeline prices`: what customers pay, and what it costs us."""

from __future__ import annotations

import argparse
import sys

from billing_pipeline.charges import PRICES_FOLDER, PriceLoad, check_prices, load_prices, write_template
from billing_pipeline.errors import PricesRefusedError
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.settings import PipelineSettings
from billing_pipeline.warehouse import open_warehouse


def describe(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    actions = parser.add_subparsers(dest="action", metavar="action", required=True)
    load = actions.add_parser("load", help="replace prices and terms by those of the price files")
    load.add_argument(
        "--force", action="store_true", help="although closed months cost something else then; recorded"
    )
    actions.add_parser("check", help="say what load would do, and change nothing")
    template = actions.add_parser(
        "template", help="write a sell.csv with everything that is billed in a period, without prices"
    )
    template.add_argument("--period", required=True, type=BillingPeriod.parse, metavar="YYYY-MM")
    parser.epilog = (
        f"The files are {PRICES_FOLDER}/sell.csv (what customers pay), buy.csv (what it costs us) and "
        "customers.csv (terms), in the data folder; docs/prices.md describes them."
    )


def execute(arguments: argparse.Namespace) -> int:
    """Load, check or prepare the price files.

    Raises:
        BillingPipelineError: the files have faults or would change a closed month, or the warehouse cannot be
            read or changed.
    """
    settings = PipelineSettings.load()
    warehouse = open_warehouse(settings)
    if arguments.action == "template":
        write_template(warehouse, arguments.period, sys.stdout)
        return 0
    folder = settings.data_dir / PRICES_FOLDER
    try:
        if arguments.action == "check":
            found = check_prices(warehouse, folder)
            print(f"{_summary(found)}: no faults")
        else:
            found = load_prices(warehouse, folder, forced=arguments.force)
            print(_summary(found) + (": loaded" if found.is_news else ": loaded before, nothing changed"))
    except PricesRefusedError as error:
        for line in error.details:
            print(line, file=sys.stderr)
        raise
    for line in (*found.changed_months, *found.warnings):
        print(f"warning: {line}", file=sys.stderr)
    return 0


def _summary(found: PriceLoad) -> str:
    return ", ".join(f"{name} {rows:,} row{'' if rows == 1 else 's'}" for name, rows in found.rows.items())
