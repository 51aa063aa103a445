"""The layout of the rows of a json_v2_0 file, inferred from its elements.

Acronis does not publish the nesting below `tenants`. Two layouts are read: *flat*, an element for each usage
row, and *grouped*, an element with the fields that its rows share and one list of them, whatever its name;
the rows of a list may be grouped again. Keys are nested, dotted or joined (`tenant_id`, `tenantId`), at any
level. A `Layout` gives the keys that lead to each field in the rows that follow the first element's layout;
all others are read one by one (`slow_rows`).
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from billing_pipeline.normalize.fields import BY_NAME, FIELDS, OBJECTS, Field, field_name, field_names
from billing_pipeline.normalize.refusals import UnknownLayoutError, refused, shown, shown_keys

LISTS = ("usages", "items")
"""Names that say that a list is one of rows, even if it is empty."""

_BARE_TENANT = ("id", "name", "kind", "customer_id")
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

    def in_words(self) -> str:
        """For a person; no value of a report is in it."""
        dotted = any("." in key for keys in self.paths.values() for key in keys)
        keys = "dotted keys" if dotted else "nested keys"
        if self.rows_key is None:
            return f"flat, an element for each row, {keys}"
        return f"grouped, the rows of an element in {self.rows_key!r}, {keys}"

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


def flattened(found: Mapping[str, Any]) -> Iterator[tuple[str, Path, Any]]:
    """Each field of an object: dotted name, the keys that lead to it, value; unknown ones too."""
    leaves = [leaf for key, value in found.items() for leaf in _leaves(key, (key,), value)]
    names = field_names(name for name, _, _ in leaves)
    for name, (_, path, value) in zip(names, leaves, strict=True):
        yield name, path, value


def _leaves(name: str, path: Path, value: Any) -> Iterator[tuple[str, Path, Any]]:
    if isinstance(value, dict) and (
        name in OBJECTS or (field_name(name) not in BY_NAME and _has_scalars_only(value))
    ):
        for key, inner in value.items():
            yield from _leaves(f"{name}.{key}", (*path, key), inner)
    else:
        yield name, path, value


def _has_scalars_only(unknown: Mapping[str, Any]) -> bool:
    """Whether an object holds nothing but scalars, at any depth, and no usage; then each is a field."""
    return bool(unknown) and all(
        not key.lower().startswith("usage")
        and (_has_scalars_only(value) if isinstance(value, dict) else not isinstance(value, list))
        for key, value in unknown.items()
    )


def list_of_rows(fields: Mapping[str, Any], lists: Collection[str], where: str) -> str | None:
    """The field that is the list of an element's rows; None if the element is a row itself.

    Args:
        fields: of the element, by dotted name.
        lists: names of lists of rows.
        where: names the element in a refusal.

    Raises:
        UnknownLayoutError: it has usage elsewhere, or in several places, and not all of it would be billed.
        ReportRefusedError: what should be the list is none.
    """
    is_row = _is_row(fields)
    places = [name for name, value in fields.items() if isinstance(value, list | dict) and _has_usage(value)]
    if len(places) + is_row > 1 or (places and not isinstance(fields[places[0]], list)):
        keys = " and ".join(["itself"] * is_row + [shown_keys([name]) for name in places])
        raise UnknownLayoutError(f"{where} has usage in {keys}: which are its rows is not known", fields)
    if is_row or places:
        return None if is_row else places[0]
    given = [name for name in lists if name in fields]
    empty = [name for name in given if isinstance(fields[name], list)]
    if given and not empty:
        raise refused(f"{where} has no list of rows: {given[0]!r} is {shown(fields[given[0]])}")
    return empty[0] if empty else None


def shared_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What the rows of a grouped element share, by dotted name; `id`, `name` and so on are its tenant's."""
    bare = not any(name == "tenant" or name.startswith("tenant.") for name in fields)
    return {f"tenant.{name}" if bare and name in _BARE_TENANT else name: fields[name] for name in fields}


def _is_row(fields: Mapping[str, Any]) -> bool:
    return any(
        name.startswith("usage.") or (name == "usage" and not isinstance(value, list))
        for name, value in fields.items()
    )


def _has_usage(value: Any) -> bool:
    """Whether there is a usage row in it, at any depth."""
    if isinstance(value, list):
        return any(map(_has_usage, value))
    if not isinstance(value, dict):
        return False
    fields = {name: inner for name, _, inner in flattened(value)}
    return any(name.startswith("usage.") for name in fields) or any(map(_has_usage, fields.values()))


def learn_layout(element: Any) -> Layout | None:
    """The layout of a file from its first element; None if its rows are to be read one by one.

    Raises:
        UnknownLayoutError: there are no usage rows in it.
    """
    where = "element 1 of 'tenants'"
    if not isinstance(element, dict):
        raise UnknownLayoutError(f"{where} is of type {type(element).__name__}, not an object", ())
    leaves = list(flattened(element))
    fields = {name: value for name, _, value in leaves}
    rows_key = list_of_rows(fields, LISTS, where)
    if rows_key is None:
        if not any(name in BY_NAME and name.startswith("usage.") for name in fields):
            raise UnknownLayoutError(f"{where} has no usage", fields)
        return Layout(_completed({name: path for name, path, _ in leaves if name in BY_NAME}, ()))
    rows = element.get(rows_key)
    if rows is None or not rows_key.isidentifier():
        return None
    in_row = list(flattened(rows[0])) if rows and isinstance(rows[0], dict) else []
    if rows and not _has_usage(rows):
        raise UnknownLayoutError(f"{where} has no usage in {rows_key!r}", fields)
    if rows and not _is_row({name: value for name, _, value in in_row}):
        return None
    del fields[rows_key]
    names = dict(zip(fields, shared_fields(fields), strict=True))
    paths = {names[name]: path for name, path, _ in leaves if names.get(name) in BY_NAME}
    if rows_key.lower() in {path[0].lower() for path in paths.values()}:
        return None  # DuckDB treats them as equal
    paths |= {name: (rows_key, *path) for name, path, _ in in_row if name in BY_NAME}
    return Layout(_completed(paths, (rows_key,)), rows_key)


def _completed(paths: Mapping[str, Path], above: Path) -> dict[str, Path]:
    """The same, with the fields that the first row lacks: beside their neighbours, else nested in the row."""
    completed = dict(paths)
    for field in FIELDS:
        if field.name in paths:
            continue
        parent, _, leaf = field.name.rpartition(".")
        beside = next((item for item in paths.items() if item[0].rpartition(".")[0] == parent), None)
        if parent and beside is not None:
            name, path = beside
            prefix = path[-1].removesuffix(name.rpartition(".")[2])
            completed[field.name] = (*path[:-1], prefix + leaf)
        else:
            completed[field.name] = above + field.path
    return completed
