"""A csv_v2_0 file as a SELECT that DuckDB executes."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from io import StringIO
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb

from billing_pipeline.errors import ReportRefusedError
from billing_pipeline.normalize.expectation import ExpectedReport
from billing_pipeline.normalize.fields import FIELDS, MEASURE_FIELDS, UNIT, Field
from billing_pipeline.normalize.projection import select_rows, sql
from billing_pipeline.normalize.refusal import refusal
from billing_pipeline.normalize.refusals import DAMAGED, refused, shown
from billing_pipeline.normalize.typed_rows import Totals
from billing_pipeline.reports import ControlTotals
from billing_pipeline.sql_files import quote_identifier, quote_literal

_OPTIONAL = {"sku"}
"""Columns that a file may lack altogether; every other one is in each csv_v2_0 file."""
_LONGEST_LINE = 4 << 20
_LONGEST_LAST_RECORD = 1 << 20


class CsvReport:
    """A csv_v2_0 file, as downloaded, not compressed.

    Columns are found by their names in the header, wherever they stand; unknown ones go to `extra`. A CSV
    file does not say which period it is for: its rows do.

    Args:
        path: the file.
        expected: what was ordered; None takes any report.

    Raises:
        ReportRefusedError: the file is not a whole report of this format.
    """

    def __init__(self, path: Path, expected: ExpectedReport | None) -> None:
        self._path = path
        self.period_start = date(1970, 1, 1)
        self.period_end = date(9999, 12, 31)
        if expected is not None:
            self.period_start, self.period_end = expected.period.start, expected.period.end
        self._days = (self.period_start, self.period_end)
        self._header = _read_header(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is held open."""

    def selects(self) -> Iterator[str]:
        """`select_rows`, as the one SELECT that there is."""
        yield self.select_rows

    @property
    def select_rows(self) -> str:
        """One SELECT that gives all rows."""
        unknown = [name for name in self._header if name not in {field.name for field in FIELDS}]
        extra = ", ".join(f"{quote_literal(name)}, nullif({quote_identifier(name)}, '')" for name in unknown)
        source = sql("csv_rows.sql").format(
            file=quote_literal(self._path),
            columns=", ".join(f"{quote_literal(name)}: 'VARCHAR'" for name in self._header),
            fields=", ".join(f"{self._field(field)} AS {quote_identifier(field.name)}" for field in FIELDS),
            extra=f"nullif(json_merge_patch('{{}}', json_object({extra})), '{{}}')" if unknown else "NULL",
            longest_line=_LONGEST_LINE,
        )
        return select_rows(source, *self._days)

    def control_totals(self) -> ControlTotals:
        """Row count and sums of all rows, read by Python's own CSV reader; DuckDB has no part in it.

        Raises:
            ReportRefusedError: a row has too few or too many cells, or a measure is not an integer.
        """
        totals = Totals()
        measures = [field.name for field in MEASURE_FIELDS]
        with _open(self._path) as rows:
            for number, row in enumerate(rows, start=1):
                cells = _cells(number, row, self._header)
                sums = totals.of(cells.get(UNIT))
                for index, name in enumerate(measures):
                    try:
                        sums[index] += int(cells[name])
                    except ValueError:
                        raise refused(
                            f"row {number}: {name} is {shown(cells[name])}, which is not an integer"
                        ) from None
                totals.rows += 1
        return totals.result()

    def refusal(self, error: duckdb.Error) -> ReportRefusedError:
        """What DuckDB complained of while it executed the SELECT, in words."""
        return refusal(error)

    def _field(self, field: Field) -> str:
        if field.name not in self._header:
            return "NULL::VARCHAR"
        name = quote_identifier(field.name)
        told = f"'row ' || report_row || ': {field.name} is ' || left(coalesce({name}, 'empty'), 80)"
        if field.kind == "flag":
            return (
                f"CASE {name} WHEN 'True' THEN true WHEN 'False' THEN false"
                f" ELSE error({told} || ', which is not True or False') END"
            )
        if field.kind == "measure":
            return (
                f"CASE WHEN regexp_full_match({name}, '-?0*[0-9]{{1,38}}') THEN {name}::DECIMAL(38, 0)"
                f" ELSE error({told} || ', which is not an integer of at most 38 digits') END"
            )
        return name


def _read_header(path: Path) -> list[str]:
    with _open(path, skip_header=False) as rows:
        header = next(rows, None)
    if not header:
        raise refused("the file is empty", DAMAGED)
    twice = next((name for name in header if header.count(name) > 1), None)
    if twice is not None:
        raise refused(f"the column {shown(twice)} stands twice in the header")
    _refuse_ambiguous(header)
    missing = [field.name for field in FIELDS if field.name not in header and field.name not in _OPTIONAL]
    if missing:
        raise refused(
            f"the header lacks {', '.join(missing[:5])}{' and others' if len(missing) > 5 else ''};"
            f" it starts with {shown(','.join(header))}"
        )
    if _ends_within_a_record(path, len(header)):
        raise refused("the last record is not whole: the file is cut short", DAMAGED)
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


@contextmanager
def _open(path: Path, *, skip_header: bool = True) -> Iterator[Iterator[list[str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, strict=True)
            if skip_header:
                next(rows, None)
            yield rows
    except (csv.Error, UnicodeDecodeError) as error:
        raise refused(f"the file is not valid CSV: {error}", DAMAGED) from None


def _cells(number: int, row: list[str], header: list[str]) -> Mapping[str, str]:
    if len(row) != len(header):
        raise refused(f"row {number}: it has {len(row)} cells, the header {len(header)}", DAMAGED)
    return dict(zip(header, row, strict=True))
