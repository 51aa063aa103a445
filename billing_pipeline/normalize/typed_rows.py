"""The witness: every row parsed and checked a second time, by a parser that is not DuckDB's.

DuckDB's reader is the faster one and takes what it should not: unknown keys, texts and truth values for
numbers, fractions for integers, commas behind the last element, missing fields. So each piece of the file
is decoded here first, strictly and into types that leave no room, and what DuckDB then reads is known to be
sound. The decoded rows live only until they are counted and added up: those are the control totals.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from operator import attrgetter
from typing import Any

import msgspec

from billing_pipeline.normalize.fields import BY_NAME, EMPTY_UNIT, FIELDS, MEASURE_FIELDS, UNIT, Field, Kind
from billing_pipeline.normalize.layout import Extra, Layout, Path
from billing_pipeline.reports import MEASURES, ControlTotals

# A null is a value like any other to JSON; whether a row may lack the field, SQL says by name.
_TYPES: dict[Kind, Any] = {
    "text": str | None,
    "number_or_text": str | int | None,
    "decimal": str | int | None,
    "date": str,
    "flag": bool,
    "measure": int,
    "extra": str | int | bool,
}
_DIGITS_OF_A_DOUBLE = 15
_PLAIN_PLACES = 4
_ROWS = "rows"

Tree = dict[str, "Field | Tree"]


def row_tree(layout: Layout) -> Tree:
    """The nested keys that lead to the fields of a row."""
    return _tree(layout.row, {name: extra for name, extra in layout.extras.items() if not extra.shared})


def element_tree(layout: Layout) -> Tree:
    """The nested keys that lead to the fields that a grouped element has for its rows."""
    return _tree(layout.element, {name: extra for name, extra in layout.extras.items() if extra.shared})


def _tree(paths: Mapping[str, Path], extras: Mapping[str, Extra]) -> Tree:
    leaves = [(path, BY_NAME[name]) for name, path in paths.items()]
    leaves += [(extra.path, Field(name, "extra", required=extra.always)) for name, extra in extras.items()]
    tree: Tree = {}
    for path, leaf in leaves:
        node = tree
        for key in path[:-1]:
            node = node.setdefault(key, {})  # type: ignore[assignment]
        node[path[-1]] = leaf
    return tree


class TypedRows:
    """Decodes pieces of a file that follow a layout.

    Args:
        layout: of the file.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        types = _TYPES | {"decimal": Decimal | None} if layout.amounts_as_numbers else _TYPES
        row_type, row_places = _struct("Row", row_tree(layout), types)
        places = {name: ".".join(place) for name, place in row_places.items()}
        self._grouped = layout.rows_key is not None
        self._unit_of_element = None
        element_type, element_places = row_type, dict[str, tuple[str, ...]]()
        if layout.rows_key is not None:
            element_type, element_places = _struct(
                "Element", element_tree(layout), types, (_ROWS, _list_of(row_type), layout.rows_key)
            )
            if UNIT in element_places:
                self._unit_of_element = attrgetter(".".join(element_places[UNIT]))
        self._unit = attrgetter(places[UNIT]) if UNIT in places else None
        self._sums = _measure_getters(places)
        self._amounts = _amount_getters(row_places) if layout.amounts_as_numbers else []
        self._amounts_of_element = _amount_getters(element_places) if layout.amounts_as_numbers else []
        self._decoder: msgspec.json.Decoder[list[Any]] = msgspec.json.Decoder(_list_of(element_type))

    def decode(self, array: memoryview) -> list[Any]:
        """The elements of a JSON array.

        Raises:
            ValueError: (or RecursionError) it is not JSON, or something in it does not follow the layout.
        """
        return self._decoder.decode(array)

    def count_and_add(self, elements: Sequence[Any], totals: Totals) -> int:
        """Add the elements' rows to the totals; how many rows they have.

        Raises:
            ValueError: DuckDB would not have all digits of an amount; nothing was added.
        """
        rows = [row for element in elements for row in element.rows] if self._grouped else elements
        for holders, amounts in ((rows, self._amounts), (elements, self._amounts_of_element)):
            for steps in amounts:
                found: Iterable[Any] = holders
                for step in steps:  # any object on the way may be null
                    found = filter(None, map(step, found))
                if not all(map(_survives_as_double, found)):
                    raise ValueError("an amount with too many digits")
        by_unit: dict[str | None, list[Any]] = {}
        for unit, row in zip(self._units(elements, rows), rows, strict=True):
            try:
                by_unit[unit].append(row)
            except KeyError:
                by_unit[unit] = [row]
        for unit, its_rows in by_unit.items():
            sums = totals.of(unit)
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

    def of(self, unit: str | None) -> list[int]:
        """The sums of a measurement unit, in the order of `MEASURES`."""
        return self._sums.setdefault(unit or EMPTY_UNIT, [0] * len(MEASURES))

    def result(self) -> ControlTotals:
        """What has been added so far."""
        return ControlTotals(
            self.rows, {unit: dict(zip(MEASURES, sums, strict=True)) for unit, sums in self._sums.items()}
        )


def _list_of(kind: Any) -> Any:
    return list[kind]


def _cannot_be_null(node: Field | Tree) -> bool:
    """Whether an object must be there because something in it must."""
    if isinstance(node, Field):
        return node.kind == "measure" or (node.kind == "extra" and node.required)
    return any(map(_cannot_be_null, node.values()))


def _survives_as_double(amount: Decimal) -> bool:
    """Whether an amount comes back from a double, as DuckDB reads it, with its digits, plainly written."""
    _, digits, exponent = amount.as_tuple()
    return (
        isinstance(exponent, int)
        and len(digits) <= _DIGITS_OF_A_DOUBLE
        and -_PLAIN_PLACES <= amount.adjusted() < _DIGITS_OF_A_DOUBLE
    )


def _struct(
    name: str, tree: Tree, types: Mapping[Kind, Any], rows: tuple[str, Any, str] | None = None
) -> tuple[Any, dict[str, tuple[str, ...]]]:
    """A struct for these keys and no others, and by which attributes each field is reached in it."""
    members: list[Any] = []
    places: dict[str, tuple[str, ...]] = {}
    if rows is not None:
        attribute, kind, key = rows
        members.append((attribute, kind, msgspec.field(name=key)))
    for number, (key, node) in enumerate(tree.items()):
        attribute = f"member_{number}"
        if isinstance(node, Field):
            places[node.name] = (attribute,)
            kind, required = types[node.kind], node.kind in ("date", "flag", "measure")
            if node.kind == "extra":
                kind, required = kind | (None if node.required else msgspec.UnsetType), node.required
        else:
            kind, inner = _struct(f"{name}_{number}", node, types)
            places.update({field: (attribute, *place) for field, place in inner.items()})
            required = _cannot_be_null(node)
            kind = kind if required else kind | None
        default: dict[str, Any] = {} if required else {"default": None}
        if isinstance(node, Field) and node.kind == "extra" and not required:
            default = {"default": msgspec.UNSET}
        members.append((attribute, kind, msgspec.field(name=key, **default)))
    struct = msgspec.defstruct(name, members, kw_only=True, forbid_unknown_fields=True, gc=False)
    return struct, places


def _amount_getters(places: Mapping[str, tuple[str, ...]]) -> list[list[Any]]:
    """For each quota and price: the steps that lead to it."""
    return [
        list(map(attrgetter, places[field.name]))
        for field in FIELDS
        if field.kind == "decimal" and field.name in places
    ]


def _measure_getters(places: Mapping[str, str]) -> list[tuple[Any, list[tuple[int, Any]]]]:
    """For each object that measures lie in: how to get it, and each measure (by its index) from it."""
    holders: dict[str, list[tuple[int, Any]]] = {}
    for index, field in enumerate(MEASURE_FIELDS):
        parent, _, attribute = places[field.name].rpartition(".")
        holders.setdefault(parent, []).append((index, attrgetter(attribute)))
    return [(attrgetter(parent) if parent else None, getters) for parent, getters in holders.items()]
