"""Rows that do not follow the layout of their file, read one by one.

A column that Acronis adds, a number written as 1e3, keys in another form: such rows are brought into one
plain form, in which DuckDB reads them beside the others. Slow and exact, and it names the row, the field and
the value that it does not take.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from billing_pipeline.normalize import strict_json
from billing_pipeline.normalize.fields import BY_NAME, FIELDS, MEASURE_FIELDS, OBJECTS, UNIT, Kind
from billing_pipeline.normalize.layout import Layout, TwoListsError, flattened, list_key
from billing_pipeline.normalize.refusals import DAMAGED, UNKNOWN, refused, shown
from billing_pipeline.normalize.strict_json import StrictJsonError
from billing_pipeline.normalize.typed_rows import Totals

EXTRA = "extra"
"""The column for what has none, as JSON text: nulls too, so that a new field is noticed before it is used.

An object of known fields that is null is none of it: its fields are null in their columns. CSV cannot tell
null from empty, so a row of csv_v2_0 has only the cells in `extra` that are not empty; it is not compared.
"""

PLAIN_LAYOUT = Layout({field.name: (field.name,) for field in FIELDS}, {}, None)
"""The plain form: an object with dotted keys for each row."""

_text = json.JSONEncoder(ensure_ascii=False).encode
_MEASURE_DIGITS = 38
_TOO_LARGE = 10**_MEASURE_DIGITS
_NOT_TEXTS: tuple[Kind, ...] = ("flag", "measure")
_LARGEST_EXPONENT = 60


class OddRows:
    """Reads the elements of one piece of a file.

    Args:
        first_row: position in the file of the piece's first row, from 1.
        first_element: likewise of its first element.
    """

    def __init__(self, first_row: int, first_element: int) -> None:
        self._row = first_row
        self._element = first_element

    @property
    def elements_before(self) -> int:
        """How many elements have been read, those before the piece included."""
        return self._element - 1

    def plain(self, piece: bytes, totals: Totals) -> list[str]:
        """The piece's rows in the plain form, as JSON texts.

        Raises:
            ReportRefusedError: the piece is not JSON, or a row is not a usage row; names where.
        """
        plain = []
        for element in self._elements(piece):
            for row in self._rows(element):
                values = self._checked(row)
                _add(values, totals)
                plain.append(_text(values))
                self._row += 1
            self._element += 1
        return plain

    def _elements(self, piece: bytes) -> Iterator[Any]:
        try:
            text = piece.decode()
        except UnicodeDecodeError as error:
            raise refused(
                f"row {self._row} or one behind it is not UTF-8: {shown(piece[error.start :])}",
                DAMAGED,
            ) from None
        position = strict_json.skip_white_space(text, 0)
        while True:
            try:
                element, position = strict_json.parse_next(text, position)
            except StrictJsonError as error:
                raise self._damaged(f"it is not valid JSON: {error}") from None
            yield element
            position = strict_json.skip_white_space(text, position)
            if position == len(text):
                return
            if text[position] != ",":
                raise self._damaged(f"it is not valid JSON: no comma before {shown(text[position:])}")
            position = strict_json.skip_white_space(text, position + 1)

    def _rows(self, element: Any) -> Iterator[dict[str, Any]]:
        if not isinstance(element, dict):
            raise self._refused(f"element {self._element} of 'tenants' is {shown(element)}, not an object")
        try:
            rows_key = list_key(element)
        except TwoListsError as error:
            raise self._refused(f"element {self._element} of 'tenants' {error}") from None
        if rows_key is None:
            yield self._fields(element)
            return
        shared = self._fields({k: v for k, v in element.items() if k != rows_key}, grouped_element=True)
        if not isinstance(element[rows_key], list):
            told = f"{rows_key!r} is {shown(element[rows_key])}"
            raise self._refused(f"element {self._element} of 'tenants' has no list of rows: {told}")
        for row in element[rows_key]:
            if not isinstance(row, dict):
                raise self._refused(f"{shown(row)} stands in {rows_key!r} for a row")
            yield shared | self._fields(row)

    def _fields(self, found: Mapping[str, Any], *, grouped_element: bool = False) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        for name, _, value in flattened(found, grouped_element=grouped_element):
            if name in fields:
                raise self._refused(f"{name} is given twice")
            fields[name] = value
        return fields

    def _checked(self, row: Mapping[str, Any]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for field in FIELDS:
            name = field.name
            value = row.get(name)
            if value is None:
                if field.required:
                    raise self._refused(f"{name} is missing")
            elif not isinstance(value, str) or field.kind in _NOT_TEXTS:
                value = self._value(name, field.kind, value)
            values[name] = value
        extra = {
            name: value
            for name, value in row.items()
            if name not in BY_NAME and not (value is None and name in OBJECTS)
        }
        values[EXTRA] = strict_json.encode(extra) if extra else None
        return values

    def _value(self, name: str, kind: Kind, value: Any) -> Any:
        whole = isinstance(value, int) and not isinstance(value, bool)
        if kind == "measure" and whole and -_TOO_LARGE < value < _TOO_LARGE:
            return value
        if kind == "flag" and isinstance(value, bool):
            return value
        if kind in ("number_or_text", "decimal") and whole:
            return str(value)
        if kind == "decimal" and isinstance(value, Decimal) and abs(value.adjusted()) <= _LARGEST_EXPONENT:
            return format(value, "f")
        if kind == "measure" and isinstance(value, Decimal) and (number := _integer(value)) is not None:
            return number
        raise self._refused(f"{name} is {_told(value)}, which is not {_WANTED[kind]}")

    def _refused(self, what: str) -> Exception:
        return refused(f"row {self._row}: {what}", UNKNOWN)

    def _damaged(self, what: str) -> Exception:
        return refused(f"row {self._row}: {what}", DAMAGED)


_WANTED = {
    "text": "a text",
    "number_or_text": "a text or an integer",
    "decimal": "a decimal number that can be held exactly",
    "date": "a date",
    "flag": "true or false",
    "measure": f"an integer of at most {_MEASURE_DIGITS} digits",
}


def _integer(value: Decimal) -> int | None:
    if not value:
        return 0
    if value.adjusted() >= _MEASURE_DIGITS or value != value.to_integral_value():
        return None
    return int(value)


def _told(value: Any) -> str:
    return shown(strict_json.encode(value))


def _add(values: Mapping[str, Any], totals: Totals) -> None:
    totals.rows += 1
    sums = totals.of(values[UNIT])
    for index, field in enumerate(MEASURE_FIELDS):
        sums[index] += values[field.name]
