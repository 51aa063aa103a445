"""The SELECT that turns fields into columns: rows.sql, filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib import resources

from billing_pipeline.normalize.fields import FIELDS, Field, Kind
from billing_pipeline.normalize.layout import Layout
from billing_pipeline.normalize.odd_rows import EXTRA, PLAIN_LAYOUT
from billing_pipeline.normalize.typed_rows import Tree, tree_of

_CELL = re.compile(r"\{(\w+):([\w.]+)\}")
_SQL_TYPES: dict[Kind, str] = {"flag": "BOOLEAN", "measure": "DECIMAL(38, 0)"}
"""Of the columns that a source gives to rows.sql; every other kind is VARCHAR."""
_ROW = "usage_row"


def select_rows(source: str, first_day: date, last_day: date) -> str:
    """The rows of a source, projected on the columns of `usage`.

    Args:
        source: SELECT of the fields by dotted name, `extra` and `report_row`.
        first_day: first day that the report covers.
        last_day: last day, inclusive.
    """

    def cell(match: re.Match[str]) -> str:
        template, name = match.groups()
        return _cells()[template].format(
            value=identifier(name),
            complaint=f"'row ' || report_row || ': {name} is ' || "
            f"coalesce(left({identifier(name)}::VARCHAR, 80), 'null') || ', '",
            first_day=first_day,
            last_day=last_day,
        )

    return _CELL.sub(cell, sql("rows.sql")).replace("{source}", source)


def json_source(paths: list[str], layout: Layout, first_row: int, largest_element: int) -> str:
    """The fields of array files that follow a layout.

    Args:
        paths: the files.
        first_row: position in the report of their first row, from 1.
        largest_element: size of their largest element in bytes, or more.
    """
    plain = layout is PLAIN_LAYOUT
    files = ", ".join(text(_without_wildcards(path)) for path in paths)
    row_tree = tree_of(layout.row)
    columns = {key: _column_type(node) for key, node in row_tree.items()}
    if plain:
        columns[EXTRA] = "VARCHAR"
    if layout.rows_key is None:
        fields = _accesses(layout, "")
    else:
        columns = {key: _column_type(node) for key, node in tree_of(layout.element).items()} | {
            layout.rows_key: f"{_struct_type(row_tree)}[]"
        }
        fields = _accesses(layout, f"{_ROW}.")
    named_columns = ", ".join(f"{text(key)}: {text(kind)}" for key, kind in columns.items())
    template = sql("json_elements.sql" if layout.rows_key is None else "json_grouped_elements.sql")
    return template.format(
        files=files,
        columns=named_columns,
        fields=", ".join(f"{access} AS {identifier(name)}" for name, access in fields.items()),
        extra=EXTRA if plain else "NULL",
        rows_key=identifier(layout.rows_key or ""),
        rows_before=first_row - 1,
        largest_element=largest_element,
    )


def sql(name: str) -> str:
    """The statement in a `.sql` file of this room."""
    return _statement(_sql(name))


def identifier(name: str) -> str:
    """A name, quoted for SQL."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """A text, quoted for SQL."""
    return "'" + value.replace("'", "''") + "'"


def _accesses(layout: Layout, row: str) -> Mapping[str, str]:
    places = {name: (row, path) for name, path in layout.row.items()}
    places |= {name: ("", path) for name, path in layout.element.items()}
    return {field.name: _access(*places[field.name]) for field in FIELDS}


def _access(row: str, path: tuple[str, ...]) -> str:
    if row:
        return _ROW + "".join(f"[{text(key)}]" for key in path)
    return identifier(path[0]) + "".join(f"[{text(key)}]" for key in path[1:])


def _column_type(node: Field | Tree) -> str:
    return _SQL_TYPES.get(node.kind, "VARCHAR") if isinstance(node, Field) else _struct_type(node)


def _struct_type(tree: Tree) -> str:
    return (
        "STRUCT(" + ", ".join(f"{identifier(key)} {_column_type(node)}" for key, node in tree.items()) + ")"
    )


def _without_wildcards(path: str) -> str:
    return re.sub(r"[*?\[]", r"[\g<0>]", path)


@cache
def _cells() -> dict[str, str]:
    """The expressions of cells.sql, by name."""
    blocks = re.split(r"^-- (\w+)$", _sql("cells.sql"), flags=re.MULTILINE)[1:]
    return {name: _statement(body) for name, body in zip(blocks[::2], blocks[1::2], strict=True)}


def _statement(commented: str) -> str:
    """SQL on one line and without comments, so that it can be put into other statements anywhere."""
    lines = (line.strip() for line in commented.splitlines())
    return " ".join(line for line in lines if line and not line.startswith("--"))


@cache
def _sql(name: str) -> str:
    return resources.files(__package__).joinpath("sql", name).read_text(encoding="utf-8")
