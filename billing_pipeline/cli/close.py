"""`billing-pipeline close`: a period that has been invoiced is not replaced by accident."""

from __future__ import annotations

import argparse

from billing_pipeline.periods import BillingPeriod
from billing_pipeline.settings import PipelineSettings
from billing_pipeline.warehouse import close_period, open_warehouse


def describe(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("--period", required=True, metavar="YYYY-MM", help="the loaded period to close")
    parser.add_argument("--note", help="the reason, such as an invoice run; shown when a load is refused")


def execute(arguments: argparse.Namespace) -> int:
    """Close the period.

    Raises:
        BillingPipelineError: it is not loaded, or closed already.
    """
    period = BillingPeriod.parse(arguments.period)
    close_period(open_warehouse(PipelineSettings.load()), period, note=arguments.note)
    print(f"{period} is closed: it is loaded again only with --force.")
    return 0
