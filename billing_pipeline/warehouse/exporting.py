"""A period as a CSV or Parquet file, safe to open in a spreadsheet."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import duckdb

from billing_pipeline.errors import WarehouseError
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.warehouse.publication import Warehouse
from billing_pipeline.warehouse.sql_files import sql

FORMATS = ("csv", "parquet")
EXPORTABLE = (
    "usage",
    "billable_usage",
    "month_over_month",
    "tenant_changes",
    "sku_totals",
    "compute_points_by_customer",
    "storage_growth",
    "usage_restatement",
)
"""What can be exported by period; the first is the default."""

# The order of a report's rows, or of the leading columns of a view: the same file each time.
_ORDER = {"usage": "report_row"}
_NEW_FILE_MODE = 0o666


def file_name(table: str, period: BillingPeriod, file_format: str) -> str:
    """The name of an exported file, such as `usage-2026-09.csv`."""
    return f"{table}-{period}.{file_format}"


def export_period(
    warehouse: Warehouse, period: BillingPeriod, table: str, file_format: str, path: Path
) -> int:
    """Write a period's rows; columns are in the order of the table.

    Spreadsheets execute a text that begins like a formula, and tenants choose their own names. In CSV
    such a text gets an apostrophe before it, the sign for text; Parquet holds what the table holds.

    Args:
        table: one of `EXPORTABLE`.
        file_format: one of `FORMATS`.
        path: the file; replaced whole, or not at all.

    Returns:
        The number of rows.

    Raises:
        WarehouseError: the period is not loaded, or the file cannot be written.
    """
    with warehouse.reading() as connection:
        loaded = connection.execute(
            "SELECT 1 FROM loaded_report WHERE billing_period = $billing_period",
            {"billing_period": period.start},
        ).fetchone()
        if loaded is None:
            raise WarehouseError(
                "the period is not loaded",
                todo=f"Load it first: billing-pipeline run --period {period}.",
                period=period.key,
            )
        statement = sql(f"export_{file_format}.sql").format(
            columns=_columns(connection, table, as_text=file_format == "csv"),
            table=table,
            day=period.start.isoformat(),
            order=_ORDER.get(table, "ALL"),
            path="{path}",
        )
        try:
            return _write(connection, statement, path)
        except (OSError, duckdb.Error) as error:
            raise WarehouseError(
                f"{path} could not be written: {error}", todo="Give another --output.", period=period.key
            ) from error


def _columns(connection: duckdb.DuckDBPyConnection, table: str, *, as_text: bool) -> str:
    columns = connection.execute(f"DESCRIBE {table}").fetchall()
    return ", ".join(
        f"spreadsheet_text({name}) AS {name}" if as_text and kind.startswith(("VARCHAR", "JSON")) else name
        for name, kind, *_ in columns
    )


def _write(connection: duckdb.DuckDBPyConnection, statement: str, path: Path) -> int:
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder")
    handle, partial_name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    partial = Path(partial_name)
    try:
        quoted = partial_name.replace("'", "''")
        (rows,) = connection.execute(statement.replace("{path}", quoted)).fetchone() or (0,)
        umask = os.umask(0)
        os.umask(umask)
        partial.chmod(_NEW_FILE_MODE & ~umask)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return int(rows)
