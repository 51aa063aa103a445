"""A csv_v2_0 file as a SELECT that DuckDB executes."""

import csv
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TextIO

import duckdb

from billing_pipeline.errors import ReportRefusedError
from billing_pipeline.normalize.fields import BY_NAME, FIELDS, MEASURE_FIELDS, UNIT, Field, field_names
from billing_pipeline.normalize.projection import cell, select_rows
from billing_pipeline.normalize.refusals import DAMAGED, OWN_MESSAGE, refused, refused_by_duckdb, shown
from billing_pipeline.normalize.totals import Totals
from billing_pipeline.reports import ControlTotals
from billing_pipeline.sql_files import quote_identifier, quote_literal, read_sql

_OPTIONAL = {"sku", *(field.name for field in FIELDS if not field.kind.billed)}
"""Columns that a file may lack; every other one is needed for billing."""
_LONGEST_LINE = 4 << 20
_BLOCK = 1 << 20
csv.field_size_limit(_LONGEST_LINE)  # of this process; the default is smaller than a line that DuckDB reads
_WRONG_CELLS = re.compile(
    r"CSV Error on Line: (\d+)\n.*Expected Number of Columns: (\d+) Found: (\d+)", re.DOTALL
)


class CsvReport:
    """A csv_v2_0 file, as downloaded, not compressed.

    Columns are identified by their names in the header, in any order, as `field_names` reads them; unknown
    ones go to `extra`. A CSV file does not say which period it is for: its rows do.

    Args:
        period_start: first day that the report covers.
        period_end: last day, inclusive.

    Raises:
        ReportRefusedError: the file is not a whole report of this format.
    """

    def __init__(self, path: Path, period_start: date, period_end: date) -> None:
        self._path = path
        self.period_start, self.period_end = period_start, period_end
        self._header = _read_header(path)

    def selects(self) -> Iterator[str]:
        """One SELECT that gives all rows."""
        extra = ", ".join(
            f"{quote_literal(name)}, nullif({self._not_held(name)}, '')"
            for name in self._header
            if name not in BY_NAME or not BY_NAME[name].kind.billed
        )
        source = read_sql("normalize/sql/csv_rows.sql").format(
            file=quote_literal(self._path),
            columns=", ".join(f"{quote_literal(name)}: 'VARCHAR'" for name in self._header),
            fields=", ".join(f"{self._field(field)} AS {quote_identifier(field.name)}" for field in FIELDS),
            extra=f"nullif(json_merge_patch('{{}}', json_object({extra})), '{{}}')",
            longest_line=_LONGEST_LINE,
        )
        yield select_rows(source, self.period_start, self.period_end)

    def control_totals(self) -> ControlTotals:
        """Row count and sums of all rows, by Python's own CSV reader, independent of DuckDB.

        Raises:
            ReportRefusedError: the file is not valid CSV.
        """
        totals = Totals()
        try:
            with self._path.open(encoding="utf-8-sig", newline="") as file:
                reader = csv.DictReader(file, self._header, strict=True)
                next(reader)  # the header itself
                for row in reader:
                    measures = {field.name: field.kind.held(row.get(field.name)) for field in MEASURE_FIELDS}
                    totals.add_row({UNIT: row[UNIT], **measures})
        except (csv.Error, UnicodeDecodeError) as error:
            raise refused(f"{totals.next_row}: it is not valid CSV: {error}", DAMAGED) from None
        return totals.result()

    def refusal(self, error: duckdb.Error) -> ReportRefusedError:
        """The refusal for an error of DuckDB in the SELECT."""
        cells = _WRONG_CELLS.search(str(error))
        if cells is not None:
            line, expected, found = cells.groups()
            what = f"line {line} has {found} cells, not {expected}: the file is damaged or cut short"
            return refused(what, DAMAGED)
        fault = None if OWN_MESSAGE.search(str(error)) else self._first_fault()
        return refused_by_duckdb(error) if fault is None else refused(fault, DAMAGED)

    def _first_fault(self) -> str | None:
        """What Python's reader finds wrong with the form of a row, because DuckDB does not always name it."""
        line_end = ""
        number = 0

        def lines(file: TextIO) -> Iterator[str]:
            nonlocal line_end
            for line in file:
                line_end = line[-1]
                yield line

        try:
            with self._path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
                for number, row in enumerate(csv.reader(lines(file), strict=True)):
                    "".join(row).encode()
                    if sum(map(len, row)) > _LONGEST_LINE:
                        return f"row {number} is longer than {_LONGEST_LINE:,} characters"
                    if line_end == "\r":
                        return f"row {number} ends with a lone carriage return"
        except csv.Error as error:
            return f"row {number + 1} is not valid CSV: {error}"
        except UnicodeEncodeError:
            return f"row {number} is not UTF-8"
        return None

    def _field(self, field: Field) -> str:
        value = cell(field.kind.csv_cell, field) if field.name in self._header else "NULL"
        return f"({value})::{field.kind.sql_type}"

    def _not_held(self, name: str) -> str:
        """The cell of a column, if no column of `usage` holds it."""
        field = BY_NAME.get(name)
        return (
            quote_identifier(name)
            if field is None
            else f"if({self._field(field)} IS NULL, {quote_identifier(name)}, NULL)"
        )


def _read_header(path: Path) -> list[str]:
    try:
        # Bytes that are not UTF-8 may be far behind the header: they are found with the rows.
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            header = next(csv.reader(file, strict=True), None)
    except csv.Error as error:
        raise refused(f"the file is not valid CSV: {error}", DAMAGED) from None
    if not header:
        raise refused("the file is empty", DAMAGED)
    header = list(field_names(header))
    _refuse_ambiguous(header)
    missing = [field.name for field in FIELDS if field.name not in header and field.name not in _OPTIONAL]
    if missing:
        raise refused(
            f"the header lacks {', '.join(missing[:5])}{' and others' if len(missing) > 5 else ''};"
            f" it starts with {shown(','.join(header))}"
        )
    if _has_open_quote(path):
        raise refused("a quoted cell is not closed: the file is cut short", DAMAGED)
    return header


def _refuse_ambiguous(header: list[str]) -> None:
    """DuckDB treats column names that differ only in the case of A to Z as equal."""
    found: dict[bytes, str] = {}
    for name in header:
        if not name:
            raise refused("a column of the header has no name")
        other = found.get(name.encode().lower())
        if other == name:
            raise refused(f"the column {shown(name)} appears twice in the header")
        if other is not None:
            raise refused(f"the columns {shown(other)} and {shown(name)} differ in upper and lower case only")
        found[name.encode().lower()] = name


def _has_open_quote(path: Path) -> bool:
    """Whether the file has an odd number of quotation marks; DuckDB takes a quoted cell that is cut short."""
    with path.open("rb") as file:
        return sum(block.count(b'"') for block in iter(lambda: file.read(_BLOCK), b"")) % 2 == 1
