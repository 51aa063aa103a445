"""Order-independent digest of usage rows: the compared columns, and how a row is hashed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import duckdb

from billing_pipeline.sql_files import read_sql


def compared_columns(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The columns by which the rows of two files, or of two loads, are compared, with their SQL types."""
    return dict(connection.execute(read_sql("loading/queries/compared_columns.sql")).fetchall())


def hashed(columns: Iterable[str]) -> str:
    """The arguments of `hash()` for a whole row.

    All of them are text, because DuckDB hashes a value of 128 bits as its high half XOR its low half: 0 and
    -1 have the same hash.
    """
    return ", ".join(f"{name}::VARCHAR" for name in columns)


def digest(
    connection: duckdb.DuckDBPyConnection,
    columns: Iterable[str],
    rows: str,
    parameters: Mapping[str, Any] | None = None,
) -> tuple[int, int]:
    """Number of rows and sum of their hashes, in one pass and constant memory.

    Args:
        rows: a query of them, with all `columns` in the table's types.
    """
    statement = read_sql("loading/queries/digest.sql").format(columns=hashed(columns), rows=rows)
    count, total = connection.execute(statement, parameters).fetchone() or (0, None)
    return count, int(total or 0)
