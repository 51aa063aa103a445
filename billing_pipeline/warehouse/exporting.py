"""A period as a CSV or Parquet file, safe to open in a spreadsheet."""

from __future__ import annotations

from pathlib import Path

import duckdb

from billing_pipeline.errors import first_line
from billing_pipeline.files import output_file
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.sql_files import quote_literal, read_sql
from billing_pipeline.warehouse.history import require_loaded
from billing_pipeline.warehouse.schema import REPORT_VIEWS
from billing_pipeline.warehouse.warehouse import Warehouse

_OPTIONS = {"csv": "HEADER true, DELIMITER ','", "parquet": "COMPRESSION zstd"}
FORMATS = tuple(_OPTIONS)
EXPORTABLE = ("usage", *REPORT_VIEWS, "usage_restatement")
"""What can be exported by period; the first is the default."""


def file_name(table: str, period: BillingPeriod, file_format: str) -> str:
    """The name of an exported file, such as `usage-2026-09.csv`."""
    return f"{table}-{period}.{file_format}"


def export_period(
    warehouse: Warehouse, period: BillingPeriod, table: str, file_format: str, path: Path
) -> int:
    """Write a period's rows; columns are in the order of the table.

    CSV injection: spreadsheets execute text that begins like a formula, and tenants choose their own names.
    In CSV such text is prefixed with an apostrophe; Parquet keeps every value unchanged.

    Args:
        table: one of `EXPORTABLE`.
        file_format: one of `FORMATS`.
        path: the file; replaced whole, or not at all.

    Returns:
        The number of rows.

    Raises:
        WarehouseError: the period is not loaded.
        OutputError: the file cannot be written.
    """
    with warehouse.reading() as connection:
        require_loaded(connection, period)
        described = connection.execute(f"DESCRIBE {table}").fetchall()
        columns = (
            f"spreadsheet_text({name}) AS {name}"
            if file_format == "csv" and kind.startswith(("VARCHAR", "JSON"))
            else name
            for name, kind, *_ in described
        )
        with output_file(path) as partial:
            statement = read_sql("warehouse/queries/export.sql").format(
                columns=", ".join(columns),
                table=table,
                day=period.start,
                # Stable, so that an export is reproducible.
                order="account, report_row" if table == "usage" else "ALL",
                path=quote_literal(partial),
                options=f"FORMAT {file_format}, {_OPTIONS[file_format]}",
            )
            try:
                (rows,) = connection.execute(statement).fetchone() or (0,)
            except duckdb.IOException as error:
                # DuckDB's message names the file that failed: the warehouse, or else the export.
                of_warehouse = warehouse.location in str(error) or ".parquet" in str(error)
                if of_warehouse and str(partial) not in str(error):
                    raise
                raise OSError(first_line(error)) from error
    return int(rows)
