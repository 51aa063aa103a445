"""`billing-pipeline export`: a period for a spreadsheet or another system."""

from __future__ import annotations

import argparse
from pathlib import Path

from billing_pipeline.cli.missing_accounts import warn_of_missing_accounts
from billing_pipeline.errors import PeriodError
from billing_pipeline.files import refuse_internal_path
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.settings import PipelineSettings
from billing_pipeline.warehouse import open_warehouse
from billing_pipeline.warehouse.exporting import EXPORTABLE, FORMATS, export_period, file_name


def describe(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument(
        "--period",
        type=BillingPeriod.parse,
        required=True,
        action="append",
        metavar="YYYY-MM",
        help="repeatable; one file each",
    )
    parser.add_argument("--format", choices=FORMATS, default="csv", help="default: csv")
    parser.add_argument(
        "--table", choices=EXPORTABLE, default=EXPORTABLE[0], help=f"what to export; default: {EXPORTABLE[0]}"
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="PATH",
        help="file, or folder for files named like usage-2026-09.csv; default: this folder",
    )
    parser.epilog = (
        "CSV is UTF-8; text that a spreadsheet would evaluate as a formula is prefixed with an apostrophe. "
        "Parquet holds every value unchanged."
    )


def execute(arguments: argparse.Namespace) -> int:
    """Write the files; each appears only once it is complete.

    Raises:
        BillingPipelineError: a period is not loaded, or a file cannot be written.
    """
    periods: list[BillingPeriod] = arguments.period
    target: Path = arguments.output or Path()
    if len(periods) > 1 and not target.is_dir():
        raise PeriodError(
            f"{len(periods)} periods do not fit into one file, {target}",
            todo="Set --output to an existing folder, or export one period.",
        )
    settings = PipelineSettings.load()
    refuse_internal_path(target, settings.data_dir)
    warehouse = open_warehouse(settings)
    for period in periods:
        name = file_name(arguments.table, period, arguments.format)
        path = target / name if target.is_dir() else target
        rows = export_period(warehouse, period, arguments.table, arguments.format, path)
        print(f"{path}: {rows:,} rows of {arguments.table}, {period}")
        warn_of_missing_accounts(warehouse, period, settings.accounts)
    return 0
