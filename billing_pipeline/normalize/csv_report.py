"""A csv_v2_0 file as a SELECT that DuckDB executes."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from io import StringIO
from pathlib import Path

import duckdb

from billing_pipeline.errors import ReportRefusedError
from billing_pipeline.normalize.fields import BY_NAME, FIELDS, Field
from billing_pipeline.normalize.projection import cell, select_rows, sql
from billing_pipeline.normalize.refusals import DAMAGED, refused, refused_by_duckdb, shown
from billing_pipeline.reports import ReportParameters
from billing_pipeline.sql_files import quote_identifier, quote_literal

_OPTIONAL = {"sku"}
"""Columns that a file may lack altogether; every other one is in each csv_v2_0 file."""
_LONGEST_LINE = 4 << 20
_LONGEST_LAST_RECORD = 1 << 20
_BLOCK = 1 << 20


class CsvReport:
    """A csv_v2_0 file, as downloaded, not compressed.

    Columns are found by their names in the header, wherever they stand; unknown ones go to `extra`. A CSV
    file does not say which period it is for: its rows do.

    Args:
        path: the file.
        requested: the parameters of its request; None takes any report.

    Raises:
        ReportRefusedError: the file is not a whole report of this format.
    """

    def __init__(self, path: Path, requested: ReportParameters | None) -> None:
        self._path = path
        self._days = (date(1970, 1, 1), date(9999, 12, 31))
        if requested is not None:
            self._days = (requested.period.start, requested.period.end)
        self._header = _read_header(path)

    @property
    def select_rows(self) -> str:
        """One SELECT that gives all rows."""
        unknown = [name for name in self._header if name not in BY_NAME]
        extra = ", ".join(f"{quote_literal(name)}, nullif({quote_identifier(name)}, '')" for name in unknown)
        source = sql("csv_rows.sql").format(
            file=quote_literal(self._path),
            columns=", ".join(f"{quote_literal(name)}: 'VARCHAR'" for name in self._header),
            fields=", ".join(f"{self._field(field)} AS {quote_identifier(field.name)}" for field in FIELDS),
            extra=f"nullif(json_merge_patch('{{}}', json_object({extra})), '{{}}')" if unknown else "NULL",
            longest_line=_LONGEST_LINE,
        )
        return select_rows(source, *self._days)

    def refusal(self, error: duckdb.Error) -> ReportRefusedError:
        """The refusal for an error of DuckDB in the SELECT."""
        return refused_by_duckdb(error)

    def _field(self, field: Field) -> str:
        return cell(field.kind.csv_cell, field) if field.name in self._header else "NULL::VARCHAR"


def _read_header(path: Path) -> list[str]:
    with _open(path) as rows:
        header = next(rows, None)
    if not header:
        raise refused("the file is empty", DAMAGED)
    twice = next((name for name in header if header.count(name) > 1), None)
    if twice is not None:
        raise refused(f"the column {shown(twice)} appears twice in the header")
    _refuse_ambiguous(header)
    missing = [field.name for field in FIELDS if field.name not in header and field.name not in _OPTIONAL]
    if missing:
        raise refused(
            f"the header lacks {', '.join(missing[:5])}{' and others' if len(missing) > 5 else ''};"
            f" it starts with {shown(','.join(header))}"
        )
    if _ends_within_a_record(path, len(header)):
        raise refused("the last record is not whole: the file is cut short", DAMAGED)
    if _has_open_quote(path):
        raise refused("a quoted cell is not closed: the file is cut short", DAMAGED)
    return header


def _refuse_ambiguous(header: list[str]) -> None:
    """DuckDB takes columns for the same whose names differ in the case of A to Z only."""
    found: dict[bytes, str] = {}
    for name in header:
        if not name:
            raise refused("a column of the header has no name")
        other = found.setdefault(name.encode().lower(), name)
        if other != name:
            raise refused(f"the columns {shown(other)} and {shown(name)} differ in upper and lower case only")


def _ends_within_a_record(path: Path, columns: int) -> bool:
    """Whether the last record is neither ended by a line break nor has a cell for each column.

    The last line break may be left out (RFC 4180). A cut within the last cell of a record cannot be seen
    here; the comparison of all rows with json_v2_0 sees it.
    """
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, 2) - _LONGEST_LAST_RECORD))
        tail = file.read()
    if tail.endswith((b"\n", b"\r")):
        return False
    # A line break within quotes has an odd number of them behind it.
    start, quotes = len(tail), 0
    while (found := tail.rfind(b"\n", 0, start)) >= 0:
        quotes += tail.count(b'"', found, start)
        start = found
        if quotes % 2 == 0:
            break
    record = tail[start + 1 if found >= 0 else 0 :].decode("utf-8", "replace").removeprefix("\ufeff")
    try:
        return [len(cells) for cells in csv.reader(StringIO(record, newline=""), strict=True)] != [columns]
    except csv.Error as error:
        if "limit" in str(error):
            raise refused(f"the last record cannot be read: {error}") from None
        return True


def _has_open_quote(path: Path) -> bool:
    """Whether the file has an odd number of quotation marks; a valid one has two for each quoted cell."""
    with path.open("rb") as file:
        return sum(block.count(b'"') for block in iter(lambda: file.read(_BLOCK), b"")) % 2 == 1


@contextmanager
def _open(path: Path) -> Iterator[Iterator[list[str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield csv.reader(file, strict=True)
    except (csv.Error, UnicodeDecodeError) as error:
        raise refused(f"the file is not valid CSV: {error}", DAMAGED) from None
