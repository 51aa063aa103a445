"""The SELECTs that turn fields into columns: the `.sql` files of this package, filled in."""

import glob
import re
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path

from billing_pipeline.normalize.fields import BY_NAME, COMPUTED, EXTRA, FIELDS, Field
from billing_pipeline.normalize.layout import PLAIN_LAYOUT, Layout, Tree
from billing_pipeline.sql_files import quote_identifier, quote_literal, read_sql

_SMALLEST_BUFFER = 1 << 20


def select_rows(source: str, first_day: date, last_day: date) -> str:
    """The rows of a source, projected on the columns of `usage`.

    Args:
        source: SELECT of the fields by dotted name, `extra` and `report_row`.
        first_day: first day that the report covers.
        last_day: last day, inclusive.
    """
    cells = [(field.kind.cell, field, field.column) for field in FIELDS]
    cells += [(name, BY_NAME[field], column) for column, (name, field) in COMPUTED.items()]
    columns = ", ".join(
        f"{cell(name, field, first_day, last_day)} AS {column}" for name, field, column in cells
    )
    return read_sql("normalize/sql/rows.sql").format(columns=columns, source=source)


def cell(name: str, field: Field, first_day: date = date.min, last_day: date = date.max) -> str:
    """An expression of `cells.sql` for a field."""
    value = quote_identifier(field.name)
    digits, decimals = field.kind.number or (0, 0)
    number = {"value": value, "digits": digits, "decimals": decimals, "width": digits + decimals}
    return _cells()[name].format(
        **number,
        number=_cells()["number"].format(**number),
        description=field.kind.description,
        complaint=f"'row ' || report_row || ': {field.name} is ' || "
        f"coalesce(left({value}::VARCHAR, 80), 'null') || ', '",
        first_day=first_day,
        last_day=last_day,
    )


@dataclass(slots=True)
class Batch:
    """Some consecutive rows of the report, checked and written to files.

    A batch fills one row group of DuckDB's table: the thread that reads it compresses it, and nothing is left
    over that DuckDB would copy. A block rarely ends there; then it is written to both batches.

    Args:
        layout: of the elements.
        first_row: position of its first row in the report, from 1.
        skipped: rows before that one in the first file.
        rows: how many rows belong to it; further ones may follow in the last file.
        files: JSON arrays of elements.
        largest_block: bytes; no element is larger.
    """

    layout: Layout
    first_row: int
    skipped: int = 0
    rows: int = 0
    files: list[Path] = field(default_factory=list)
    largest_block: int = 0


def batch_rows(batch: Batch) -> str:
    """The fields of a batch's rows, each with its position in the report."""
    kind = "flat" if batch.layout.rows_key is None else "grouped"
    return read_sql(f"normalize/sql/json_{kind}_batch.sql").format(
        **layout_in_sql(batch.layout),
        files=", ".join(quote_literal(glob.escape(str(file))) for file in batch.files),
        largest_element=max(2 * batch.largest_block, _SMALLEST_BUFFER),
        rows_before=batch.first_row - 1 - batch.skipped,
        first_row=batch.first_row,
        last_row=batch.first_row + batch.rows - 1,
    )


def layout_in_sql(layout: Layout) -> dict[str, str]:
    """The placeholders of statements that read elements of a layout.

    Returns:
        `columns`: names and types of the elements' keys; `fields`: each field by its dotted name; `extra`;
        `rows_key`: of grouped elements.
    """
    plain = layout is PLAIN_LAYOUT
    columns = {key: _column_type(node, plain=plain) for key, node in layout.tree().items()}
    if layout.rows_key is not None:
        columns[layout.rows_key] += "[]"
    if plain:
        columns[EXTRA] = "VARCHAR"
    return {
        "columns": ", ".join(f"{quote_literal(key)}: {quote_literal(kind)}" for key, kind in columns.items()),
        "fields": ", ".join(
            f"{_access(layout, field.name)} AS {quote_identifier(field.name)}" for field in FIELDS
        ),
        "extra": EXTRA if plain else "NULL",
        "rows_key": quote_identifier(layout.rows_key or ""),
    }


def _access(layout: Layout, name: str) -> str:
    """The expression that gives a field of an element's row."""
    start, *keys = layout.paths[name]
    start = "usage_row" if start == layout.rows_key else start
    return quote_identifier(start) + "".join(f"[{quote_literal(key)}]" for key in keys)


def _column_type(node: Field | Tree, *, plain: bool) -> str:
    if isinstance(node, Field):
        return node.kind.sql_type if plain else node.kind.json_sql_type or node.kind.sql_type
    members = (f"{quote_identifier(key)} {_column_type(each, plain=plain)}" for key, each in node.items())
    return f"STRUCT({', '.join(members)})"


@cache
def _cells() -> dict[str, str]:
    """The expressions of cells.sql, by name."""
    blocks = re.split(r"^-- (\w+)$", read_sql("normalize/sql/cells.sql"), flags=re.MULTILINE)[1:]
    return dict(zip(blocks[::2], blocks[1::2], strict=True))
