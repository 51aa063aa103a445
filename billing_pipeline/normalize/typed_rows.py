"""The strict parser: every row is parsed and checked a second time, independently of DuckDB.

DuckDB's reader is fast but lenient: it accepts unknown keys, strings and booleans as numbers, fractions as
integers, trailing commas and missing fields. So each block is first decoded here into strict types (msgspec),
and DuckDB reads only valid rows. Decoded rows are added to the control totals and discarded.
"""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any, get_args

import msgspec

from billing_pipeline.normalize.fields import MEASURE_FIELDS, UNIT, Field
from billing_pipeline.normalize.layout import Layout, Path, Tree
from billing_pipeline.normalize.totals import SCALE, Totals


class TypedRows:
    """Decodes elements that follow a layout."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        element = _struct("Element", layout.tree(), layout.rows_key)
        self._decoder: msgspec.json.Decoder[list[Any]] = msgspec.json.Decoder(_list_of(element))
        self._rows = attrgetter(_attribute(layout.rows_key)) if layout.rows_key else None
        self._unit = attrgetter(".".join(map(_attribute, _in_row(layout, UNIT))))
        self._unit_of_element = layout.rows_key and layout.paths[UNIT][0] != layout.rows_key
        self._sums = _measure_getters(layout)

    def decode(self, array: bytes) -> list[Any]:
        """The elements of a JSON array.

        Raises:
            ValueError: (or RecursionError) it is not JSON, or something in it does not follow the layout.
        """
        return self._decoder.decode(array)

    def count_and_add(self, elements: Sequence[Any], totals: Totals) -> int:
        """Add the elements' rows to the totals; how many rows they have."""
        rows = elements if self._rows is None else [row for each in elements for row in self._rows(each)]
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
                    sums[index] += sum(map(getter, holders)) * SCALE
        totals.rows += len(rows)
        totals.elements += len(elements)
        return len(rows)

    def _units(self, elements: Sequence[Any], rows: Sequence[Any]) -> Iterable[str | None]:
        if self._rows is not None and self._unit_of_element:
            return [self._unit(each) for each in elements for _ in self._rows(each)]
        return map(self._unit, rows)


def _in_row(layout: Layout, name: str) -> Path:
    """The keys that lead to a field from what holds it: a row, or the element."""
    path = layout.paths[name]
    return path[path[0] == layout.rows_key :]


def _list_of(kind: Any) -> Any:
    return list[kind]


def _is_required(node: Field | Tree) -> bool:
    """Whether a key is required, because the strict parser rejects null for a field in it."""
    if isinstance(node, Field):
        return type(None) not in get_args(node.kind.json_type)
    return any(map(_is_required, node.values()))


def _struct(name: str, tree: Tree, rows_key: str | None = None) -> Any:
    """A struct for these keys and no others; `_attribute` names its members, `rows_key` is a list."""
    members = []
    for key, node in tree.items():
        required = _is_required(node)
        kind = node.kind.json_type if isinstance(node, Field) else _struct(f"{name}_{_attribute(key)}", node)
        if key == rows_key:
            kind = _list_of(kind)
        elif not isinstance(node, Field) and not required:
            kind |= None
        member = msgspec.field(name=key) if required else msgspec.field(name=key, default=None)
        members.append((_attribute(key), kind, member))
    return msgspec.defstruct(name, members, kw_only=True, forbid_unknown_fields=True, gc=False)


def _attribute(key: str) -> str:
    """An identifier, and another one for each key."""
    return f"k{key.encode().hex()}"


def _measure_getters(layout: Layout) -> list[tuple[Any, list[tuple[int, Any]]]]:
    """For each object of a row that holds measures: how to get it, and how each measure (by its index)."""
    holders: dict[str, list[tuple[int, Any]]] = {}
    for index, field in enumerate(MEASURE_FIELDS):
        *above, leaf = map(_attribute, _in_row(layout, field.name))
        parent = ".".join(above)
        holders.setdefault(parent, []).append((index, attrgetter(leaf)))
    return [(attrgetter(parent) if parent else None, getters) for parent, getters in holders.items()]
