"""The folder of the months' pages, each with its CSV files, and an index of them."""

import os
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import duckdb
from filelock import FileLock

from billing_pipeline.charges.price_state import has_prices
from billing_pipeline.errors import PeriodError
from billing_pipeline.files import (
    make_folder,
    remove_partial_files,
    reporting_io_errors,
    restrict_new_files,
)
from billing_pipeline.month_report.page import month_name, write_month_report, write_page
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.warehouse import Warehouse
from billing_pipeline.warehouse.closing import closing_of
from billing_pipeline.warehouse.exporting import export_period, file_name

_TABLES = ("billable_usage", "charge", "invoice_line")


def write_month(
    warehouse: Warehouse, period: BillingPeriod, folder: Path, *, published_at: int | None = None
) -> Path:
    """Write the page of a loaded period, its CSV files, and the index of the folder.

    Each file is replaced atomically. The processes of a machine take turns.

    Args:
        warehouse: where the period is loaded.
        period: the billing period.
        folder: made if it is missing.
        published_at: in nanoseconds since 1970; a page that was begun later stays as it is.

    Returns:
        The page.

    Raises:
        WarehouseError: the period is not loaded.
        OutputError: a file cannot be written.
        DataFolderError: the folder cannot be written.
    """
    page = folder / f"{period}.html"
    with _locked(folder):
        if published_at and page.exists() and page.stat().st_mtime_ns > published_at:
            return page
        began_at = time.time_ns()
        # As long as a connection is open, DuckDB opens others in a tenth of the time, to the same state.
        with warehouse.reading() as connection:
            tables = _tables(connection, period)
            for path, table in _files(folder, period).items():
                if table in tables:
                    export_period(warehouse, period, table, "csv", path)
                else:
                    path.unlink(missing_ok=True)
            write_month_report(warehouse, period, page, files=_names(folder, period))
        # Loads that are published while the page is written may be missing in it.
        os.utime(page, ns=(began_at, began_at))
        _write_index(folder)
    return page


def written_months(folder: Path) -> list[BillingPeriod]:
    """The months that have a page, the latest first."""
    months = []
    for page in folder.glob("????-??.html"):
        with suppress(PeriodError):
            months.append(BillingPeriod.parse(page.stem))
    return sorted(months, reverse=True)


def remove_months(folder: Path, periods: Collection[BillingPeriod]) -> None:
    """Remove pages with their CSV files, and renew the index.

    Raises:
        DataFolderError: a file cannot be removed.
        OutputError: the index cannot be written.
    """
    with _locked(folder):
        for period in periods:
            for path in (folder / f"{period}.html", *_files(folder, period)):
                path.unlink(missing_ok=True)
        _write_index(folder)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with reporting_io_errors(folder), ExitStack() as stack:
        stack.callback(os.umask, restrict_new_files(folder.parent))
        make_folder(folder)
        with FileLock(folder / ".lock"):
            remove_partial_files(folder)
            yield


def _tables(connection: duckdb.DuckDBPyConnection, period: BillingPeriod) -> Collection[str]:
    """What the CSV files hold: of an open month its charges, of a closed one its invoice lines."""
    money = "invoice_line" if closing_of(connection, period) else "charge"
    return {"billable_usage", money} if has_prices(connection) else {"billable_usage"}


def _files(folder: Path, period: BillingPeriod) -> dict[Path, str]:
    """The CSV files that a month may have, with their tables."""
    return {folder / file_name(table, period, "csv"): table for table in _TABLES}


def _names(folder: Path, period: BillingPeriod) -> list[str]:
    return [path.name for path in _files(folder, period) if path.exists()]


def _write_index(folder: Path) -> None:
    months = written_months(folder)
    if months:
        rows = [(period.key, month_name(period), _names(folder, period)) for period in months]
        write_page("index.html", folder / "index.html", months=rows)
    else:
        (folder / "index.html").unlink(missing_ok=True)
