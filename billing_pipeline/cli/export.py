"""`billing-pipeline export`: a period for a spreadsheet or another system."""

import logging
from pathlib import Path

import click

from billing_pipeline.cli.missing_accounts import warn_of_missing_accounts
from billing_pipeline.cli.periods import PERIOD
from billing_pipeline.cli.streams import STDOUT, file_or_stdout
from billing_pipeline.errors import OutputError, PeriodError, SettingsError
from billing_pipeline.files import make_output_folder, refuse_internal_path
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.settings import PipelineSettings
from billing_pipeline.warehouse.exporting import (
    EXPORTABLE,
    FORMATS,
    FocusOptions,
    FocusVersion,
    export_period,
    file_name,
)
from billing_pipeline.warehouses import open_warehouse

_log = logging.getLogger(__name__)


@click.command(
    epilog="CSV is UTF-8, in a file with a byte order mark, so that spreadsheets show umlauts; text that "
    "they would evaluate as a formula is prefixed with an apostrophe. Parquet and XLSX hold every value "
    "unchanged; an XLSX file keeps texts as texts."
    "\n\n\b\nExample:\n  billing-pipeline export --period 2026-09 --table invoice_line --format xlsx"
)
@click.option(
    "--period", "periods", type=PERIOD, required=True, multiple=True, help="Repeatable; one file each."
)
@click.option(
    "--format",
    "given_format",
    type=click.Choice(FORMATS),
    help=f"Default: by the suffix of --output; else {FORMATS[0]}.",
)
@click.option(
    "--table", type=click.Choice(EXPORTABLE), default=EXPORTABLE[0], help=f"Default: {EXPORTABLE[0]}."
)
@click.option(
    "--focus-version",
    type=click.Choice(["1.2", "1.4"]),
    default="1.2",
    help="Of the table focus; default: 1.2.",
)
@click.option(
    "--output",
    default=".",
    metavar="PATH",
    help="File; - for stdout; or folder for files named like billable_usage-2026-09.csv, which is made if "
    "PATH ends with a slash; default: this folder.",
)
def command(
    *,
    periods: tuple[BillingPeriod, ...],
    given_format: str | None,
    table: str,
    focus_version: FocusVersion,
    output: str,
) -> int:
    """Write a period to a CSV, Parquet or XLSX file, which appears only once it is complete."""
    target = Path(output)
    into_folder = output.endswith("/") or (target != STDOUT and target.is_dir())
    file_format = _format(given_format, None if into_folder else target)
    if len(periods) > 1 and not into_folder:
        raise PeriodError(
            f"{len(periods)} periods do not fit into one file, {target}",
            todo="Set --output to a folder (exports/), or export one period.",
        )
    settings = PipelineSettings.load()
    focus = FocusOptions(_issuer(settings), focus_version) if table == "focus" else None
    refuse_internal_path(target, settings.data_dir)
    if into_folder:
        make_output_folder(target)
    warehouse = open_warehouse(settings)
    for period in periods:
        path = target / file_name(table, period, file_format) if into_folder else target
        with file_or_stdout(path) as file:
            rows = export_period(
                warehouse, period, table, file_format, file, focus=focus, with_mark=path != STDOUT
            )
        if not rows and table in {"invoice_line", "invoice", "focus"}:
            _log.warning("%s has no invoices: they come with billing-pipeline close", period)
        if path != STDOUT:
            print(f"{path}: {rows:,} rows of {table}, {period}")
        warn_of_missing_accounts(warehouse, period, settings.accounts)
    return 0


def _format(given: str | None, file: Path | None) -> str:
    """The format: as given, or else as the file's suffix says."""
    by_suffix = file.suffix[1:].lower() if file else ""
    if given is None:
        return by_suffix if by_suffix in FORMATS else FORMATS[0]
    if by_suffix in FORMATS and by_suffix != given:
        raise OutputError(
            f"--format is {given}, but {file} is named like a {by_suffix} file",
            todo="Leave --format out, or give another name.",
        )
    return given


def _issuer(settings: PipelineSettings) -> str:
    if settings.invoice_issuer is None:
        raise SettingsError(
            "BILLING_INVOICE_ISSUER is not set, and a FOCUS file names who issues the invoices",
            todo="Set it in the environment or in .env to your company's name.",
        )
    return settings.invoice_issuer
