"""`billing-pipeline reopen`: allow loads of a closed period again."""

from __future__ import annotations

import argparse

from billing_pipeline.periods import BillingPeriod
from billing_pipeline.settings import PipelineSettings
from billing_pipeline.warehouse import open_warehouse, reopen_period


def describe(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument(
        "--period", required=True, type=BillingPeriod.parse, metavar="YYYY-MM", help="the closed period"
    )
    parser.add_argument("--note", help="the reason")


def execute(arguments: argparse.Namespace) -> int:
    """Reopen the period.

    Raises:
        BillingPipelineError: it is not closed.
    """
    reopen_period(open_warehouse(PipelineSettings.load()), arguments.period, note=arguments.note)
    print(f"{arguments.period} is open: the next load replaces it.")
    return 0
