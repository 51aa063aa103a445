"""Comparing many usage rows by one number: what is compared, and how a row is hashed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import duckdb

from billing_pipeline.sql_files import read_sql

# DuckDB hashes a 128-bit value as its high half XOR its low half: 0 and -1 have the same hash. Text has not.
_WIDE_TYPES = ("DECIMAL(38", "HUGEINT", "UHUGEINT", "UUID")


class Column(NamedTuple):
    """A column of `usage` with its SQL type."""

    name: str
    kind: str

    @property
    def typed(self) -> str:
        """The column of another relation, converted to the table's type."""
        return f"{self.name}::{self.kind} AS {self.name}"

    @property
    def digested(self) -> str:
        """The column as an argument of `hash()`: equal hashes mean equal values."""
        return f"{self.name}::VARCHAR" if self.kind.startswith(_WIDE_TYPES) else self.name


def compared_columns(connection: duckdb.DuckDBPyConnection) -> list[Column]:
    """The columns by which the rows of two files, or of two loads, are compared."""
    return [
        Column(*row)
        for row in connection.execute(read_sql("loading/queries/compared_columns.sql")).fetchall()
    ]


def hashed(columns: Sequence[Column]) -> str:
    """The arguments of `hash()` for a whole row."""
    return ", ".join(column.digested for column in columns)


def digest(
    connection: duckdb.DuckDBPyConnection,
    columns: Sequence[Column],
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
