"""The layout of the rows of a json_v2_0 file, inferred from its first element.

Acronis does not publish the nesting below `tenants`. Two layouts are read: *flat*, an element for each usage
row, and *grouped*, an element with the fields that its rows share and a list of them; keys are nested or
dotted, at any level. A `Layout` gives the keys that lead to each field; rows that do not follow it are read
one by one (`slow_rows`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from billing_pipeline.normalize.fields import BY_NAME, FIELDS, OBJECTS, Field
from billing_pipeline.normalize.refusals import refused, shown

LISTS = ("usages", "items")
"""Keys of a grouped element's list of rows."""

BARE_TENANT = ("id", "name", "kind", "customer_id")
"""Fields of the tenant that a grouped element may have directly, without `tenant`."""

Path = tuple[str, ...]
Tree = dict[str, "Field | Tree"]


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Where each field is. Compared by identity: only rows in `PLAIN_LAYOUT` have their unknown fields apart.

    Args:
        paths: for each field, by dotted name, the keys that lead to it from an element; those of a grouped
            element's rows start with `rows_key`.
        rows_key: the key of a grouped element's rows; None where each element is a row.
    """

    paths: Mapping[str, Path]
    rows_key: str | None = None

    def tree(self) -> Tree:
        """The keys of an element, nested as they are in it."""
        tree: Tree = {}
        for name, path in self.paths.items():
            node = tree
            for key in path[:-1]:
                node = node.setdefault(key, {})  # type: ignore[assignment]
            node[path[-1]] = BY_NAME[name]
        return tree


PLAIN_LAYOUT = Layout({field.name: (field.name,) for field in FIELDS})
"""The layout that `slow_rows` writes: an object with dotted keys for each row."""


def list_key(element: Mapping[str, Any], where: str) -> str | None:
    """The key of a grouped element's list of rows: it has `usages` or `items`, and no usage itself.

    Args:
        where: names it in a refusal.

    Raises:
        ReportRefusedError: it has both, and the rows of one would not be billed; or what it has is no list.
    """
    if any(name == "usage" or name.startswith("usage.") for name in element):
        return None
    if all(element.get(key) is not None for key in LISTS):
        both = " and ".join(map(repr, LISTS))
        raise refused(f"{where} has both {both}: which of them are its rows is not known")
    found = next((key for key in LISTS if key in element), None)
    if found is not None and not isinstance(element[found], list):
        raise refused(f"{where} has no list of rows: {found!r} is {shown(element[found])}")
    return found


def flattened(found: Mapping[str, Any], *, grouped_element: bool = False) -> Iterator[tuple[str, Path, Any]]:
    """Each field of an object: dotted name, the keys that lead to it, value; unknown ones too.

    Args:
        found: a row, or what the rows of a grouped element share.
        grouped_element: `BARE_TENANT` are the tenant's, if it has no `tenant`.
    """
    bare = grouped_element and not any(key == "tenant" or key.startswith("tenant.") for key in found)
    for key, value in found.items():
        name = f"tenant.{key}" if bare and key in BARE_TENANT else key
        yield from _leaves(name, (key,), value)


def _leaves(name: str, path: Path, value: Any) -> Iterator[tuple[str, Path, Any]]:
    if isinstance(value, dict) and name in OBJECTS:
        for key, inner in value.items():
            yield from _leaves(f"{name}.{key}", (*path, key), inner)
    else:
        yield name, path, value


def learn_layout(element: Any) -> Layout:
    """The layout of a file from its first element.

    Raises:
        ReportRefusedError: it is none of those that are read.
    """
    if not isinstance(element, dict):
        raise refused(f"the first element of 'tenants' is not an object but {shown(element)}")
    rows_key = list_key(element, "element 1 of 'tenants'")
    row: Any = element
    paths: dict[str, Path] = {}
    if rows_key is not None:
        row = next(iter(element[rows_key]), None)
        shared = {key: value for key, value in element.items() if key != rows_key}
        paths = _known(flattened(shared, grouped_element=True), ())
    above = () if rows_key is None else (rows_key,)
    in_row = _known(flattened(row), above) if isinstance(row, dict) else {}
    if not any(name.startswith("usage.") for name in in_row) and (rows_key is None or element[rows_key]):
        keys = ", ".join(shown(key) for key in list(element)[:20])
        raise refused(f"the layout of 'tenants' is not known: its first element has the keys {keys}")
    return Layout(_completed(paths | in_row, above), rows_key)


def _known(leaves: Iterable[tuple[str, Path, Any]], above: Path) -> dict[str, Path]:
    return {name: above + path for name, path, _ in leaves if name in BY_NAME}


def _completed(paths: Mapping[str, Path], above: Path) -> dict[str, Path]:
    """The same, with the fields that the first row lacks: beside their neighbours, else nested in the row."""
    completed = dict(paths)
    for field in FIELDS:
        if field.name in paths:
            continue
        parent, _, leaf = field.name.rpartition(".")
        beside = next((path for name, path in paths.items() if name.rpartition(".")[0] == parent), None)
        if parent and beside is not None:
            prefix, dot, _ = beside[-1].rpartition(".")
            completed[field.name] = (*beside[:-1], prefix + dot + leaf)
        else:
            completed[field.name] = above + field.path
    return completed
