"""A period as a CSV, Parquet or XLSX file, safe to open in a spreadsheet."""

from pathlib import Path
from typing import Literal, NamedTuple

import duckdb

from billing_pipeline.errors import first_line
from billing_pipeline.files import output_file
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.sql_files import quote_identifier, quote_literal, read_sql
from billing_pipeline.warehouse.history import require_loaded
from billing_pipeline.warehouse.schema import REPORT_VIEWS
from billing_pipeline.warehouse.spreadsheet import cell_expression, write_xlsx
from billing_pipeline.warehouse.warehouse import Warehouse

# Without DuckDB's own temporary file, its errors name our file.
_COPY_OPTIONS = {
    "csv": "FORMAT csv, HEADER true, DELIMITER ',', USE_TMP_FILE false",
    "parquet": "FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false",
}
_TIMES_OF_FOCUS = ", TIMESTAMPFORMAT '%Y-%m-%dT%H:%M:%SZ'"
FORMATS = (*_COPY_OPTIONS, "xlsx")
# A run exports beside a page, which needs memory, too. It does not export `usage`, the widest table.
_MEMORY, _MEMORY_OF_USAGE = "300MB", "400MB"
_IN_PERIOD = "{table} WHERE billing_period = DATE '{day}'"
# The macros of these views read only one month.
_MONTH_OF_MACRO = "{table}_in(DATE '{day}')"
_SOURCES = {
    **dict.fromkeys((*REPORT_VIEWS, "usage", "usage_restatement"), _IN_PERIOD),
    **dict.fromkeys(("charge", "unpriced_usage", "margin"), _MONTH_OF_MACRO),
    "invoice_line": f"{_IN_PERIOD} AND voided_at IS NULL",
    "invoice": _IN_PERIOD,
    "focus": "focus_cost_and_usage_in(DATE '{day}')",
}
EXPORTABLE = tuple(_SOURCES)
"""What can be exported by period; the first, from which people bill, is the default."""

_BYTE_ORDER_MARK = "\ufeff"

FocusVersion = Literal["1.2", "1.4"]
_RENAMED_IN_FOCUS_1_4 = {"ProviderName": "ServiceProviderName", "PublisherName": "HostProviderName"}


class FocusOptions(NamedTuple):
    """How the table `focus` is written.

    Args:
        issuer: who issues the invoices.
        version: of the FOCUS specification.
    """

    issuer: str
    version: FocusVersion = "1.2"


def file_name(table: str, period: BillingPeriod, file_format: str) -> str:
    """The name of an exported file, such as `usage-2026-09.csv`."""
    return f"{table}-{period}.{file_format}"


def export_period(
    warehouse: Warehouse,
    period: BillingPeriod,
    table: str,
    file_format: str,
    path: Path,
    *,
    focus: FocusOptions | None = None,
    with_mark: bool = True,
) -> int:
    """Write a period's rows; columns are in the order of the table.

    CSV injection: spreadsheets execute text that begins like a formula, and tenants choose their own names.
    In CSV such text is prefixed with an apostrophe; Parquet and XLSX keep every value unchanged.

    Args:
        table: one of `EXPORTABLE`.
        file_format: one of `FORMATS`.
        path: the file; replaced whole, or not at all.
        focus: for the table `focus`.
        with_mark: begin a CSV file with a byte order mark, by which spreadsheets recognise UTF-8.

    Returns:
        The number of rows.

    Raises:
        WarehouseError: the period is not loaded.
        OutputError: the file cannot be written, or the rows do not fit into its format.
    """
    options = _COPY_OPTIONS.get(file_format, "")
    if table == "focus" and file_format == "csv":
        options += _TIMES_OF_FOCUS
    with warehouse.reading() as connection:
        # A month that is larger is sorted on disk.
        connection.execute(f"SET memory_limit = '{_MEMORY_OF_USAGE if table == 'usage' else _MEMORY}'")
        require_loaded(connection, period)
        mark = _BYTE_ORDER_MARK if with_mark and file_format == "csv" and not focus else ""
        select = _select(connection, period, table, file_format, focus, mark=mark)
        with output_file(path) as partial:
            try:
                if file_format == "xlsx":
                    cursor = connection.execute(select)
                    return write_xlsx(cursor, partial, sheet=table, dated=period.start)
                (rows,) = connection.execute(
                    read_sql("warehouse/queries/export.sql").format(
                        select=select,
                        path=quote_literal(partial),
                        options=options,
                    )
                ).fetchone() or (0,)
            except duckdb.IOException as error:
                # DuckDB's message names the file that failed: the warehouse, or else the export.
                of_warehouse = warehouse.location in str(error) or ".parquet" in str(error)
                if of_warehouse and str(partial) not in str(error):
                    raise
                raise OSError(first_line(error)) from error
    return int(rows)


def stable_order(table: str) -> str:
    """By what the rows of a table or view are ordered, so that they come in the same order each time."""
    return "billing_period, account, report_row" if table == "usage" else "ALL"


def _select(
    connection: duckdb.DuckDBPyConnection,
    period: BillingPeriod,
    table: str,
    file_format: str,
    focus: FocusOptions | None,
    *,
    mark: str,
) -> str:
    renamed: dict[str, str] = {}
    if focus:
        connection.execute(f"SET VARIABLE invoice_issuer = {quote_literal(focus.issuer)}")
        renamed = _RENAMED_IN_FOCUS_1_4 if focus.version == "1.4" else {}
    source = _SOURCES[table].format(table=table, day=period.start)
    columns: list[str] = []
    for name, kind, *_ in connection.execute(f"DESCRIBE FROM {source}").fetchall():
        expression = name
        if file_format == "xlsx":
            expression = cell_expression(name, kind)
        elif file_format == "csv" and kind.startswith(("VARCHAR", "JSON")):
            expression = f"spreadsheet_text({name})"
        # The mark goes before the first name of the header.
        alias = quote_identifier(("" if columns else mark) + renamed.get(name, name))
        columns.append(f"{expression} AS {alias}")
    return f"SELECT {', '.join(columns)} FROM {source} ORDER BY {stable_order(table)}"
