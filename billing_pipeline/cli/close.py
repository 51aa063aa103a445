"""`billing-pipeline close`: protect an invoiced period from being replaced."""

from __future__ import annotations

import argparse

from billing_pipeline.periods import BillingPeriod
from billing_pipeline.settings import PipelineSettings
from billing_pipeline.warehouse import close_period, open_warehouse


def describe(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument(
        "--period", required=True, type=BillingPeriod.parse, metavar="YYYY-MM", help="the period to close"
    )
    parser.add_argument("--note", help="the reason, such as an invoice run; quoted when a load is refused")
    parser.add_argument(
        "--force", action="store_true", help="close it although an account's usage is not loaded"
    )


def execute(arguments: argparse.Namespace) -> int:
    """Close the period.

    Raises:
        BillingPipelineError: an account's usage is not loaded and `--force` is not given, or the period is
            closed already.
    """
    settings = PipelineSettings.load()
    accounts = () if arguments.force else settings.accounts
    close_period(open_warehouse(settings), arguments.period, accounts=accounts, note=arguments.note)
    print(f"{arguments.period} is closed: it is loaded again only with --force.")
    return 0
