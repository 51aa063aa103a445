"""`billing-pipeline maintain`: what a shared warehouse needs from time to time."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from billing_pipeline.settings import PipelineSettings
from billing_pipeline.warehouse import open_warehouse

# Ten years: as long as invoices are kept in most places.
_KEEP_DAYS = 3653
_GRACE_HOURS = 48
# A hundred years, which stands for "for ever": much longer ago there are no dates.
_MOST_DAYS = 36525
_MOST_HOURS = 24 * _MOST_DAYS


def describe(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument(
        "--keep-days",
        type=_up_to(_MOST_DAYS),
        default=_KEEP_DAYS,
        metavar="N",
        help=f"states of the last N days can still be asked for; default: {_KEEP_DAYS}, ten years",
    )
    parser.add_argument(
        "--grace-hours",
        type=_up_to(_MOST_HOURS),
        default=_GRACE_HOURS,
        metavar="N",
        help="keep files that are no longer needed for N hours, for readers and loads that are under way; "
        f"default: {_GRACE_HOURS}",
    )
    parser.epilog = "No row of any table changes. Loads wait while it runs, readers do not."


def execute(arguments: argparse.Namespace) -> int:
    """Do it, and tell what was done.

    Raises:
        BillingPipelineError: it could not be done.
    """
    warehouse = open_warehouse(PipelineSettings.load())
    print(warehouse.maintain(keep_days=arguments.keep_days, grace_hours=arguments.grace_hours))
    return 0


def _up_to(most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not text.isdecimal() or len(text) > len(str(most)) or int(text) > most:
            raise argparse.ArgumentTypeError(f"{text} is not a whole number from 0 to {most}")
        return int(text)

    return number
