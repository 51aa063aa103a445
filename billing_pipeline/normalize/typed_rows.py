"""The strict parser: every row is parsed and checked a second time, by a parser that is not DuckDB's.

DuckDB's reader is the faster one and takes what it should not: unknown keys, texts and truth values for
numbers, fractions for integers, trailing commas, missing fields. So each block of the file is decoded here
first, into types that leave no room, and what DuckDB then reads is known to be sound. The decoded rows live
only until they are counted and added up: those are the control totals.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

import msgspec

from billing_pipeline.normalize.fields import BY_NAME, EMPTY_UNIT, MEASURE_FIELDS, UNIT, Field
from billing_pipeline.normalize.layout import Layout, Path
from billing_pipeline.reports import MEASURES, ControlTotals

_ROWS = "rows"

Tree = dict[str, "Field | Tree"]


def key_tree(paths: Mapping[str, Path]) -> Tree:
    """The nested keys that lead to fields.

    Args:
        paths: `Layout.row` or `Layout.element`.
    """
    tree: Tree = {}
    for name, path in paths.items():
        node = tree
        for key in path[:-1]:
            node = node.setdefault(key, {})  # type: ignore[assignment]
        node[path[-1]] = BY_NAME[name]
    return tree


class TypedRows:
    """Decodes elements that follow a layout.

    Args:
        layout: of the file.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        row_type, places = _struct("Row", key_tree(layout.row))
        self._grouped = layout.rows_key is not None
        self._unit_of_element = None
        element_type = row_type
        if layout.rows_key is not None:
            rows = (_ROWS, _list_of(row_type), msgspec.field(name=layout.rows_key))
            element_type, element_places = _struct("Element", key_tree(layout.element), rows)
            if UNIT in element_places:
                self._unit_of_element = attrgetter(element_places[UNIT])
        self._unit = attrgetter(places[UNIT]) if UNIT in places else None
        self._sums = _measure_getters(places)
        self._decoder: msgspec.json.Decoder[list[Any]] = msgspec.json.Decoder(_list_of(element_type))

    def decode(self, array: bytes) -> list[Any]:
        """The elements of a JSON array.

        Raises:
            ValueError: (or RecursionError) it is not JSON, or something in it does not follow the layout.
        """
        return self._decoder.decode(array)

    def count_and_add(self, elements: Sequence[Any], totals: Totals) -> int:
        """Add the elements' rows to the totals; how many rows they have."""
        rows = [row for element in elements for row in element.rows] if self._grouped else elements
        by_unit: dict[str | None, list[Any]] = {}
        for unit, row in zip(self._units(elements, rows), rows, strict=True):
            try:
                by_unit[unit].append(row)
            except KeyError:
                by_unit[unit] = [row]
        for unit, its_rows in by_unit.items():
            sums = totals.for_unit(unit)
            for parent, getters in self._sums:
                holders = list(map(parent, its_rows)) if parent else its_rows
                for index, getter in getters:
                    sums[index] += sum(map(getter, holders))
        totals.rows += len(rows)
        return len(rows)

    def _units(self, elements: Sequence[Any], rows: Sequence[Any]) -> Iterable[str | None]:
        if self._unit is not None:
            return map(self._unit, rows)
        if self._unit_of_element is None:
            return [None] * len(rows)
        unit = self._unit_of_element
        return [unit(element) for element in elements for _ in element.rows]


class Totals:
    """Control totals while they are being added up."""

    def __init__(self) -> None:
        self.rows = 0
        self._sums: dict[str, list[int]] = {}

    def for_unit(self, unit: str | None) -> list[int]:
        """The sums of a measurement unit, in the order of `MEASURES`."""
        return self._sums.setdefault(unit or EMPTY_UNIT, [0] * len(MEASURES))

    def result(self) -> ControlTotals:
        """What has been added so far."""
        return ControlTotals(
            self.rows, {unit: dict(zip(MEASURES, sums, strict=True)) for unit, sums in self._sums.items()}
        )


def _list_of(kind: Any) -> Any:
    return list[kind]


def _is_required(node: Field | Tree) -> bool:
    """Whether a key must be there, because the strict parser takes no null for a field in it."""
    return not node.kind.nullable if isinstance(node, Field) else any(map(_is_required, node.values()))


def _struct(name: str, tree: Tree, *members: Any) -> tuple[Any, dict[str, str]]:
    """A struct for these keys and no others, and the dotted attributes that lead to each field in it.

    Args:
        name: of the struct.
        tree: keys of its members.
        members: further ones.
    """
    places: dict[str, str] = {}
    defined = list(members)
    for number, (key, node) in enumerate(tree.items()):
        attribute = f"member_{number}"
        required = _is_required(node)
        if isinstance(node, Field):
            places[node.name] = attribute
            kind = node.kind.json_type
        else:
            inner, inner_places = _struct(f"{name}_{number}", node)
            places |= {field: f"{attribute}.{place}" for field, place in inner_places.items()}
            kind = inner if required else inner | None
        field = msgspec.field(name=key) if required else msgspec.field(name=key, default=None)
        defined.append((attribute, kind, field))
    struct = msgspec.defstruct(name, defined, kw_only=True, forbid_unknown_fields=True, gc=False)
    return struct, places


def _measure_getters(places: Mapping[str, str]) -> list[tuple[Any, list[tuple[int, Any]]]]:
    """For each object that holds measures: how to get it, and each measure (by its index) from it."""
    holders: dict[str, list[tuple[int, Any]]] = {}
    for index, field in enumerate(MEASURE_FIELDS):
        parent, _, attribute = places[field.name].rpartition(".")
        holders.setdefault(parent, []).append((index, attrgetter(attribute)))
    return [(attrgetter(parent) if parent else None, getters) for parent, getters in holders.items()]
