"""Query results as an XLSX file: numbers are numbers, texts stay texts."""

from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import duckdb

from billing_pipeline.errors import OutputError

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.worksheet import Worksheet

MAX_ROWS = 1_048_575
"""Rows of a sheet, without its header."""
_MAX_TEXT = 32_767
# A spreadsheet calculates with binary floats, which hold this many decimal digits.
_EXACT_DIGITS = 15
_ROWS_AT_ONCE = 2_000
# Types that a cell holds as they are; all others become text in the query.
_NATIVE = ("DECIMAL", "BOOLEAN", "DATE", "DOUBLE", "INTEGER", "BIGINT")
_OTHER_FORMAT = "Export it as csv or parquet."


def cell_expression(name: str, kind: str) -> str:
    """SQL of a column for a spreadsheet: what is no number, date or truth value is text."""
    return name if kind.startswith(_NATIVE) and not kind.endswith("]") else f"{name}::VARCHAR"


def write_xlsx(cursor: duckdb.DuckDBPyConnection, path: Path, *, sheet: str, dated: date) -> int:
    """Write a result to a sheet, row by row, with constant memory.

    Text cells are never formulas, links or numbers, whatever the text looks like. A number that a spreadsheet
    would round, because it has more than 15 digits, is written as text.

    Args:
        cursor: the result; its columns have been made with `cell_expression`.
        path: replaced.
        sheet: name of the sheet.
        dated: date of creation in the file's properties; fixed, so that an export is reproducible.

    Returns:
        The number of rows.

    Raises:
        OutputError: there are more rows, or longer texts, than a sheet can have.
        OSError: the file cannot be written.
    """
    # Only this format needs the library.
    from xlsxwriter import Workbook  # noqa: PLC0415
    from xlsxwriter.exceptions import FileCreateError, FileSizeError  # noqa: PLC0415

    rows = 0
    names = [column[0] for column in cursor.description or ()]
    with TemporaryDirectory(dir=path.parent, prefix=f"{path.name}.", ignore_cleanup_errors=True) as folder:
        book = Workbook(str(path), {"constant_memory": True, "tmpdir": folder})
        book.set_properties({"created": datetime(dated.year, dated.month, dated.day)})  # noqa: DTZ001
        cells = _Cells(book, book.add_worksheet(sheet))
        cells.sheet.freeze_panes(1, 0)
        cells.sheet.set_column(0, len(names) - 1, 16)
        cells.sheet.write_row(0, 0, names, book.add_format({"bold": True}))
        while chunk := cursor.fetchmany(_ROWS_AT_ONCE):
            if rows + len(chunk) > MAX_ROWS:
                raise OutputError(f"a sheet has room for {MAX_ROWS:,} rows at most", todo=_OTHER_FORMAT)
            for values in chunk:
                rows += 1
                for column, value in enumerate(values):
                    cells.write(rows, column, value)
        try:
            book.close()
        except FileCreateError as error:
            raise error.args[0] from None
        except FileSizeError:
            raise OutputError("a sheet has room for 2 GiB of XML at most", todo=_OTHER_FORMAT) from None
    return rows


class _Cells:
    """Writes cells of a sheet, each with the format of its value."""

    def __init__(self, book: "Workbook", sheet: "Worksheet") -> None:
        self.sheet = sheet
        self._format = cache(lambda number_format: book.add_format({"num_format": number_format}))

    def write(self, row: int, column: int, value: str | float | Decimal | date | None) -> None:
        if isinstance(value, str):
            # A spreadsheet counts UTF-16 code units.
            if len(value.encode("utf-16-le")) > 2 * _MAX_TEXT:
                raise OutputError(f"a cell has room for {_MAX_TEXT:,} characters at most", todo=_OTHER_FORMAT)
            self.sheet.write_string(row, column, value)
        elif isinstance(value, bool):
            self.sheet.write_boolean(row, column, value)
        elif isinstance(value, date):
            self.sheet.write_datetime(row, column, value, self._format("yyyy-mm-dd"))
        elif isinstance(value, Decimal):
            if len(value.normalize().as_tuple().digits) > _EXACT_DIGITS:
                self.sheet.write_string(row, column, str(value))
            else:
                self.sheet.write_number(row, column, value, self._format(_number_format(value)))
        elif value is not None:
            self.sheet.write_number(row, column, value)


def _number_format(value: Decimal) -> str:
    """Money and quantities have two decimals; exact figures at least two, and others as needed."""
    decimals = -int(value.as_tuple().exponent)
    return "0." + "0" * min(decimals, 2) + "#" * (decimals - 2) if decimals > 0 else "0"
