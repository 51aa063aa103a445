"""The slow path: an exact reader for rows that do not follow the layout of their file.

Examples: a column that Acronis adds, a number written as 1e3, dotted instead of nested keys. Such rows are
parsed one by one and rewritten in `PLAIN_LAYOUT` for DuckDB. About ten times slower than the fast path, and
as exact; errors name row, field and value.
"""

import codecs
import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from billing_pipeline.normalize import strict_json
from billing_pipeline.normalize.fields import (
    BY_NAME,
    EXTRA,
    FIELDS,
    OBJECTS,
    Field,
)
from billing_pipeline.normalize.layout import LISTS, flattened, list_of_rows, shared_fields
from billing_pipeline.normalize.refusals import DAMAGED, UNKNOWN, UnknownLayoutError, refused, shown
from billing_pipeline.normalize.strict_json import CutShortError, StrictJsonError
from billing_pipeline.normalize.totals import Totals

_WITH_IDS = {"application.id", "infra.id"}
"""A row or group with `id` and without these may give one of them so."""

_text = json.JSONEncoder(ensure_ascii=False).encode


class SlowRowReader:
    """Reads elements of `tenants`.

    Args:
        totals: of the rows and elements before; what is read is added to them.
        lists: names of lists of rows, besides those that are known; what is found is added.
    """

    def __init__(self, totals: Totals, *lists: str) -> None:
        self._totals = totals
        self.lists = dict.fromkeys((*LISTS, *lists))

    def read(self, block: bytes, *, last: bool) -> tuple[list[str], int]:
        """Read the elements that a block of the file holds completely, each followed by a comma.

        Args:
            block: starts at an element.
            last: the array ends where the block ends, so its last element is whole too.

        Returns:
            The rows in `PLAIN_LAYOUT`, as JSON texts, and how many bytes of the block were read, the last
            comma included; 0 if the block holds no whole element.

        Raises:
            UnknownLayoutError: the first row of the report lacks a billed field, or has it in another type.
            ReportRefusedError: the block is not JSON, or a row is not a usage row; names the row.
        """
        try:
            text = codecs.getincrementaldecoder("utf-8")().decode(block, last)
        except UnicodeDecodeError as error:
            near = shown(block[error.start : error.start + 100])
            raise self._refused(f"it, or a row behind it, is not UTF-8: {near}", DAMAGED) from None
        rows: list[str] = []
        end = 0
        for element, end in self._elements(text, last=last):  # noqa: B007
            for row in self._rows(element):
                values = self._checked(row)
                self._totals.add_row(values)
                rows.append(_text(values))
            self._totals.elements += 1
        return rows, len(text[:end].encode())

    def _elements(self, text: str, *, last: bool) -> Iterator[tuple[Any, int]]:
        """Each whole element, and the position of what follows its comma."""
        position = 0
        while True:
            try:
                element, position = strict_json.parse_next(text, strict_json.skip_white_space(text, position))
            except StrictJsonError as error:
                if isinstance(error, CutShortError) and not last:
                    return
                raise self._refused(f"it is not valid JSON: {error}", DAMAGED) from None
            position = strict_json.skip_white_space(text, position)
            at_end = position == len(text)
            if not at_end and text[position] != ",":
                near = shown(text[position : position + 100])
                raise self._refused(f"it is not valid JSON: no comma before {near}", DAMAGED)
            position += not at_end
            if last or not at_end:
                yield element, position
            if at_end:
                return

    def _rows(self, element: Any) -> Iterator[dict[str, Any]]:
        if not isinstance(element, dict):
            raise self._refused(f"{self._totals.next_element} is {shown(element)}, not an object")
        return self._expanded(element, {})

    def _expanded(self, found: Mapping[str, Any], above: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The rows of an element, or of an object in a list of one, with the fields that they share."""
        fields = self._fields(found)
        where = f"{self._totals.next_row}: {self._totals.next_element}"
        name = list_of_rows(fields, self.lists, where)
        if name is None:
            yield {**above, **fields}
            return
        rows = fields.pop(name)
        if rows:
            self.lists.setdefault(name)
        shared = {**above, **(fields if "tenant.id" in above else shared_fields(fields))}
        for row in rows:
            if not isinstance(row, dict):
                raise self._refused(f"a row in {name!r} is {shown(row)}, not an object")
            yield from self._expanded(row, shared)

    def _fields(self, found: Mapping[str, Any]) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        for name, _, value in flattened(found):
            if name in fields:
                raise self._refused(f"{name} is given twice")
            fields[name] = value
        return fields

    def _checked(self, row: Mapping[str, Any]) -> dict[str, Any]:
        if not self._totals.rows and "id" in row and not row.keys() >= _WITH_IDS:
            raise UnknownLayoutError(f"{self._totals.next_row}: it has an 'id', but not whose", row)
        values: dict[str, Any] = {}
        extra = {
            name: value
            for name, value in row.items()
            if name not in BY_NAME and not (value is None and name in OBJECTS)
        }
        for field in FIELDS:
            value, kind = row.get(field.name), field.kind
            if value is None or (value == "" and kind.number):
                if kind.required:
                    raise self._bad_field(row, field, "missing")
                held = None
            elif (held := kind.held(value)) is None:
                if kind.billed:
                    found = shown(strict_json.encode(value))
                    raise self._bad_field(row, field, f"{found}, which is not {kind.description}")
                extra[field.name] = value
            values[field.name] = held
        values[EXTRA] = strict_json.encode(extra) if extra else None
        return values

    def _bad_field(self, row: Mapping[str, Any], field: Field, fault: str) -> Exception:
        """The refusal for a field; if the first row lacks it, or has another type, the layout is unknown."""
        types = str | int | Decimal | None if field.kind.number else str | None
        if self._totals.rows or (field.name in row and isinstance(row[field.name], types)):
            return self._refused(f"{field.name} is {fault}")
        return UnknownLayoutError(f"{self._totals.next_row}: {field.name} is {fault}", row)

    def _refused(self, what: str, todo: str = UNKNOWN) -> Exception:
        return refused(f"{self._totals.next_row}: {what}", todo)
