"""SQL: reading `.sql` files, quoting, and rows as dictionaries."""

from functools import cache
from importlib import resources
from typing import Any

import duckdb

ROW_GROUP = 30_720
"""Rows per row group, DuckDB's unit of storage and compression; a multiple of its vector size, 2,048.

A quarter of DuckDB's default. A batch of a report fills one group, and the thread that reads the batch
compresses it. Smaller groups let all threads share even a month of 100,000 rows, and need a quarter of the
memory per thread. The file becomes a fifth larger.
"""


@cache
def read_sql(path: str) -> str:
    """The text of a file below this package, such as `warehouse/views/sku_totals.sql`."""
    return resources.files(__package__).joinpath(path).read_text(encoding="utf-8")


def opening_comment(text: str) -> str:
    """The first paragraph of a `.sql` file's opening comment, as one line: the file's documentation."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("-- "):
            break
        lines.append(line.removeprefix("--").strip())
    return " ".join(lines)


def quote_identifier(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def quote_literal(value: object) -> str:
    """A text, such as a path, as an SQL literal, for statements that take no parameter there."""
    return "'" + str(value).replace("'", "''") + "'"


def rows_as_dicts(cursor: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """All rows of a result, each by column name."""
    columns = [column[0] for column in cursor.description or ()]
    return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
