"""The SELECT that turns fields into columns: rows.sql, filled in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import date
from functools import cache
from importlib import resources

from billing_pipeline.normalize.fields import FIELDS, Field, Kind
from billing_pipeline.normalize.layout import Layout, Path
from billing_pipeline.normalize.odd_rows import EXTRA, PLAIN_LAYOUT
from billing_pipeline.normalize.parts import Part
from billing_pipeline.normalize.typed_rows import Tree, element_tree, row_tree
from billing_pipeline.sql_files import quote_identifier, quote_literal

_CELL = re.compile(r"\{(\w+):([\w.]+)\}")
_SQL_TYPES: dict[Kind, str] = {"flag": "BOOLEAN", "measure": "DECIMAL(38, 0)", "extra": "JSON"}
"""Of the columns that a source gives to rows.sql; every other kind is VARCHAR."""
_ROW = "usage_row"
_SMALLEST_BUFFER = 1 << 20


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
            value=quote_identifier(name),
            complaint=f"'row ' || report_row || ': {name} is ' || "
            f"coalesce(left({quote_identifier(name)}::VARCHAR, 80), 'null') || ', '",
            first_day=first_day,
            last_day=last_day,
        )

    return _CELL.sub(cell, sql("rows.sql")).replace("{source}", source)


def json_source(parts: Iterable[Part]) -> str:
    """The fields of parts of a json_v2_0 file."""
    by_layout: dict[int, list[Part]] = {}
    for part in parts:
        by_layout.setdefault(id(part.layout), []).append(part)
    return " UNION ALL ".join(
        sql("json_fields.sql").format(
            **layout_in_sql(its_parts[0].layout), parts=" UNION ALL ".join(map(_numbered_rows, its_parts))
        )
        for its_parts in by_layout.values()
    )


def _numbered_rows(part: Part) -> str:
    """The elements of a part, or if they are grouped the rows in them, each with its position."""
    layout = layout_in_sql(part.layout)
    rows = sql("json_elements.sql").format(
        **layout,
        files=", ".join(quote_literal(_without_wildcards(str(file))) for file in part.files),
        largest_element=max(2 * part.largest_piece, _SMALLEST_BUFFER),
    )
    if part.layout.rows_key is not None:
        rows = sql("json_rows_of_elements.sql").format(**layout, elements=rows)
    return sql("json_numbered_rows.sql").format(
        rows=rows,
        rows_before=part.first_row - 1 - part.skipped,
        first_row=part.first_row,
        last_row=part.first_row + part.rows - 1,
    )


def layout_in_sql(layout: Layout) -> dict[str, str]:
    """What the statements that read elements of a layout need.

    Returns:
        `columns`: names and types of the elements' keys; `fields`: each field by its dotted name; `extra`;
        `rows_key`: of grouped elements.
    """
    plain = layout is PLAIN_LAYOUT
    row = row_tree(layout)
    columns = {key: _column_type(node) for key, node in row.items()}
    if layout.rows_key is not None:
        columns = {key: _column_type(node) for key, node in element_tree(layout).items()}
        columns[layout.rows_key] = f"{_struct_type(row)}[]"
    if plain:
        columns[EXTRA] = "VARCHAR"
    return {
        "columns": ", ".join(f"{quote_literal(key)}: {quote_literal(kind)}" for key, kind in columns.items()),
        "fields": ", ".join(
            f"{_access(layout, field.name)} AS {quote_identifier(field.name)}" for field in FIELDS
        ),
        "extra": EXTRA if plain else _extra(layout),
        "rows_key": quote_identifier(layout.rows_key or ""),
    }


def sql(name: str) -> str:
    """The statement in a `.sql` file of this room."""
    return _statement(_sql(name))


def _access(layout: Layout, name: str) -> str:
    shared = name in layout.element
    return _at(layout, layout.element[name] if shared else layout.row[name], shared=shared)


def _at(layout: Layout, path: Path, *, shared: bool) -> str:
    keys = list(path)
    start = quote_identifier(keys.pop(0)) if shared or layout.rows_key is None else _ROW
    return start + "".join(f"[{quote_literal(key)}]" for key in keys)


def _extra(layout: Layout) -> str:
    """The unknown fields of a row as one JSON text; NULL where it has none."""
    members = []
    for name, extra in layout.extras.items():
        value = f"{_at(layout, extra.path, shared=extra.shared)}::VARCHAR"
        value = f"coalesce({value}, 'null')" if extra.always else value
        members.append(f"{quote_literal(json.dumps(name, ensure_ascii=False) + ':')} || {value}")
    return f"nullif('{{' || concat_ws(',', {', '.join(members)}) || '}}', '{{}}')" if members else "NULL"


def _column_type(node: Field | Tree) -> str:
    return _SQL_TYPES.get(node.kind, "VARCHAR") if isinstance(node, Field) else _struct_type(node)


def _struct_type(tree: Tree) -> str:
    return (
        "STRUCT("
        + ", ".join(f"{quote_identifier(key)} {_column_type(node)}" for key, node in tree.items())
        + ")"
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
