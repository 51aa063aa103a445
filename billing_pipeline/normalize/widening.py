"""A layout learns from rows that it does not take, so that most of what comes later is read fast again.

A column that Acronis adds is in every row from then on: it becomes part of the layout, and DuckDB reads it
like the others. What a layout cannot say exactly stays with the rows that are read one by one (`odd_rows`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from billing_pipeline.normalize.fields import BY_NAME, OBJECTS
from billing_pipeline.normalize.layout import Extra, Layout, Path, TwoListsError, flattened, list_key

_MOST_EXTRAS = 50
_LONGEST_NAME = 100
_ESCAPED = '"\\'


def widened(layout: Layout, elements: Iterable[Any]) -> Layout:
    """The layout with the unknown fields of these elements, and with amounts as numbers if they have such.

    DuckDB does not tell null from absent, nor has it all digits of a fraction. So a field is added only if
    its values are texts, integers and truth values, and it is always there or never null.

    Returns:
        The same layout if there is nothing that it can learn.
    """
    seen = _Seen()
    for shared, found in _objects(layout, elements):
        seen.add(shared, found, bare=shared and layout.rows_key is not None)
    extras = {}
    for name, (shared, path) in seen.places.items():
        known = layout.extras.get(name)
        always = seen.count[name] == seen.objects[shared] and (known is None or known.always)
        if seen.fits(name, always=always) and (known is None or (known.path, known.shared) == (path, shared)):
            extras[name] = Extra(path, shared=shared, always=always)
    # What these elements lack is from now on a field that may be absent.
    extras |= {
        name: replace(extra, always=False) for name, extra in layout.extras.items() if name not in seen.places
    }
    amounts = layout.amounts_as_numbers or seen.amounts_as_numbers
    if len(extras) > _MOST_EXTRAS or _ambiguous(extras):
        return layout
    wider = replace(layout, extras=extras, amounts_as_numbers=amounts)
    return layout if wider == layout else wider


@dataclass(slots=True)
class _Unfit:
    null: bool = False
    other: bool = False


class _Seen:
    """What some elements have beside the known fields."""

    def __init__(self) -> None:
        self.objects = {True: 0, False: 0}
        self.places: dict[str, tuple[bool, Path]] = {}
        self.count: dict[str, int] = {}
        self.amounts_as_numbers = False
        self._unfit: dict[str, _Unfit] = {}

    def add(self, shared: bool, found: Mapping[str, Any], *, bare: bool) -> None:
        self.objects[shared] += 1
        for name, path, value in flattened(found, grouped_element=bare):
            if name in BY_NAME:
                self.amounts_as_numbers |= BY_NAME[name].kind == "decimal" and isinstance(value, Decimal)
                continue
            place = self.places.setdefault(name, (shared, path))
            unfit = self._unfit.setdefault(name, _Unfit())
            self.count[name] = self.count.get(name, 0) + 1
            unfit.null |= value is None
            unfit.other |= (
                place != (shared, path)
                or not isinstance(value, str | int | None)
                or name in OBJECTS
                or not name.isprintable()
                or len(name) > _LONGEST_NAME
                # The second parser does not take such keys as names.
                or not all(path)
                or any(sign in name for sign in _ESCAPED)
            )

    def fits(self, name: str, *, always: bool) -> bool:
        unfit = self._unfit[name]
        return not unfit.other and (always or not unfit.null)


def _objects(layout: Layout, elements: Iterable[Any]) -> Iterator[tuple[bool, Mapping[str, Any]]]:
    """Each row (False) and what grouped elements have beside their rows (True), where they are objects."""
    for element in elements:
        try:
            rows_key = list_key(element) if isinstance(element, dict) else None
        except TwoListsError:
            continue
        if rows_key != layout.rows_key or not isinstance(element, dict):
            continue
        if rows_key is None:
            yield False, element
            continue
        yield True, {key: value for key, value in element.items() if key != rows_key}
        rows = element[rows_key]
        yield from ((False, row) for row in rows if isinstance(row, dict)) if isinstance(rows, list) else ()


def _ambiguous(extras: Mapping[str, Extra]) -> bool:
    """Whether DuckDB would take two keys for one: it does not tell upper from lower case."""
    names = [
        name.lower() for name in (*extras, *BY_NAME, *OBJECTS, "usages", "items", "usage_row", "report_row")
    ]
    return len(set(names)) < len(names)
