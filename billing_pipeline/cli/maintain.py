"""`billing-pipeline maintain`: compact a lake and expire its old snapshots."""

from __future__ import annotations

import argparse

from billing_pipeline.settings import PipelineSettings
from billing_pipeline.warehouse import open_warehouse

# In effect for ever, and within the range of dates.
_MOST = 99_999


def describe(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument(
        "--keep-days",
        type=_whole_number,
        default=3653,  # as long as invoices are kept in most places
        metavar="N",
        help="keep snapshots of the last N days; default: %(default)s, ten years",
    )
    parser.add_argument(
        "--grace-hours",
        type=_whole_number,
        default=48,
        metavar="N",
        help="keep unreferenced files for N hours, for readers and loads in progress; default: %(default)s",
    )
    parser.epilog = "No rows change. Loads wait while it runs; readers do not."


def execute(arguments: argparse.Namespace) -> int:
    """Maintain the warehouse and print what was done.

    Raises:
        BillingPipelineError: the warehouse cannot be reached or changed.
    """
    warehouse = open_warehouse(PipelineSettings.load())
    maintain = getattr(warehouse, "maintain", None)  # only a lake has it
    if maintain is None:
        print(f"{warehouse.location} is one file with one state: there is nothing to do.")
        return 0
    print(maintain(keep_days=arguments.keep_days, grace_hours=arguments.grace_hours))
    return 0


def _whole_number(text: str) -> int:
    if not text.isdecimal() or len(text) > len(str(_MOST)):
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from 0 to {_MOST}")
    return int(text)
