"""How the rows of a json_v2_0 file are laid out, learned from its first element.

Acronis does not publish the nesting below `tenants`. Two layouts are read: *flat*, an element for each usage
row, and *grouped*, an element with the fields that its rows share and a list of them; keys are nested or
dotted, at any level. A `Layout` gives the keys that lead to each field; rows that do not follow it are read
one by one (`slow_rows`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from billing_pipeline.normalize.fields import BY_NAME, FIELDS, OBJECTS
from billing_pipeline.normalize.refusals import refused, shown

LISTS = ("usages", "items")
"""Keys under which a grouped element has its rows."""

BARE_TENANT = {
    "id": "tenant.id",
    "name": "tenant.name",
    "kind": "tenant.kind",
    "customer_id": "tenant.customer_id",
}
"""A grouped element may have its tenant's fields as its own, by these names."""

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each field is.

    Args:
        row: for each field of the row itself, by dotted name, the keys that lead to it.
        element: likewise for the fields that a grouped element has for all of its rows.
        rows_key: the key of a grouped element's rows; None where each element is a row.
    """

    row: Mapping[str, Path]
    element: Mapping[str, Path]
    rows_key: str | None


PLAIN_LAYOUT = Layout({field.name: (field.name,) for field in FIELDS}, {}, None)
"""The layout that `slow_rows` writes: an object with dotted keys for each row."""


class TwoListsError(ValueError):
    """A grouped element has two lists, either of which may be its rows."""

    def __init__(self) -> None:
        super().__init__(
            f"has both {' and '.join(map(repr, LISTS))}: which of them are its rows is not known"
        )


def list_key(element: Mapping[str, Any]) -> str | None:
    """The key of a grouped element's rows: it has `usages` or `items`, and no usage itself.

    Raises:
        TwoListsError: it has both, and the rows of one would not be billed.
    """
    if any(name == "usage" or name.startswith("usage.") for name in element):
        return None
    if all(element.get(key) is not None for key in LISTS):
        raise TwoListsError
    return next((key for key in LISTS if key in element), None)


def flattened(found: Mapping[str, Any], *, grouped_element: bool = False) -> list[tuple[str, Path, Any]]:
    """Each field of an object: dotted name, the keys that lead to it, value; unknown ones too.

    Args:
        grouped_element: bare `id`, `name`, `kind` and `customer_id` are the tenant's, if it has no `tenant`.
    """
    leaves: list[tuple[str, Path, Any]] = []
    if grouped_element and not any(key == "tenant" or key.startswith("tenant.") for key in found):
        leaves += ((BARE_TENANT[key], (key,), found[key]) for key in BARE_TENANT if key in found)
        found = {key: value for key, value in found.items() if key not in BARE_TENANT}
    _add_leaves(leaves, "", (), found)
    return leaves


def _add_leaves(
    leaves: list[tuple[str, Path, Any]], prefix: str, above: Path, found: Mapping[str, Any]
) -> None:
    for key, value in found.items():
        name = prefix + key
        if isinstance(value, dict) and name in OBJECTS:
            _add_leaves(leaves, f"{name}.", (*above, key), value)
        else:
            leaves.append((name, (*above, key), value))


def learn_layout(element: Any) -> Layout:
    """The layout of a file from its first element.

    Raises:
        ReportRefusedError: it is none of those that are read.
    """
    if not isinstance(element, dict):
        raise refused(f"the first element of 'tenants' is not an object but {shown(element)}")
    try:
        rows_key = list_key(element)
    except TwoListsError as error:
        raise refused(f"element 1 of 'tenants' {error}") from None
    if rows_key is None:
        row = _paths(flattened(element))
        if not any(name.startswith("usage.") for name in row):
            raise _unknown_layout(element)
        return Layout(_completed(row, {}), {}, None)
    rows = element[rows_key]
    if not isinstance(rows, list):
        raise refused(f"element 1 of 'tenants' has no list of rows: {rows_key!r} is {shown(rows)}")
    row = _paths(flattened(rows[0])) if rows and isinstance(rows[0], dict) else {}
    if rows and not any(name.startswith("usage.") for name in row):
        raise _unknown_layout(element)
    shared = {key: value for key, value in element.items() if key != rows_key}
    inherited = _paths(flattened(shared, grouped_element=True))
    inherited = {name: path for name, path in inherited.items() if name not in row}
    row, inherited = _completed(row, inherited), _completed(inherited, row, neighbours_only=True)
    return Layout({name: path for name, path in row.items() if name not in inherited}, inherited, rows_key)


def _unknown_layout(element: Mapping[str, Any]) -> Exception:
    keys = ", ".join(shown(key) for key in list(element)[:20])
    return refused(f"the layout of 'tenants' is not known: its first element has the keys {keys}")


def _paths(leaves: Iterable[tuple[str, Path, Any]]) -> dict[str, Path]:
    return {name: path for name, path, _ in leaves if name in BY_NAME}


def _completed(
    paths: Mapping[str, Path], elsewhere: Mapping[str, Path], *, neighbours_only: bool = False
) -> dict[str, Path]:
    """The same, with the fields that the first row lacks where their neighbours would have them."""
    completed = dict(paths)
    for field in FIELDS:
        if field.name in paths or field.name in elsewhere:
            continue
        parent, _, leaf = field.name.rpartition(".")
        beside = next((path for name, path in paths.items() if name.rpartition(".")[0] == parent), None)
        if parent and beside is not None:
            *above, last = beside
            prefix, dot, _ = last.rpartition(".")
            completed[field.name] = (*above, prefix + dot + leaf)
        elif not neighbours_only:
            completed[field.name] = field.path
    return completed
