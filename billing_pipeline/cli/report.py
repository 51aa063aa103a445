"""`billing-pipeline report`: a summary page of a period, for the browser."""

from __future__ import annotations

import argparse
from pathlib import Path

from billing_pipeline.cli.missing_accounts import warn_of_missing_accounts
from billing_pipeline.files import refuse_internal_path
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.settings import PipelineSettings
from billing_pipeline.warehouse import open_warehouse


def describe(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument(
        "--period",
        type=BillingPeriod.parse,
        default=BillingPeriod.last_closed(),
        metavar="YYYY-MM",
        help="default: the last closed month",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="PATH",
        help="the page; default: month-report-YYYY-MM.html in this folder",
    )


def execute(arguments: argparse.Namespace) -> int:
    """Write the page.

    Raises:
        BillingPipelineError: the period is not loaded, or the page cannot be written.
    """
    from billing_pipeline.month_report import write_month_report  # noqa: PLC0415

    period: BillingPeriod = arguments.period
    path: Path = arguments.output or Path(f"month-report-{period}.html")
    settings = PipelineSettings.load()
    refuse_internal_path(path, settings.data_dir)
    warehouse = open_warehouse(settings)
    write_month_report(warehouse, period, path)
    print(f"{path}: {period} at a glance; open it in a browser")
    warn_of_missing_accounts(warehouse, period, settings.accounts)
    return 0
