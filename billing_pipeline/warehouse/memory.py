"""How much memory DuckDB may hold while a period is loaded, so that it does not grow with the report."""

from __future__ import annotations

import os
from contextlib import suppress

import duckdb

_THREADS = max(os.cpu_count() or 1, 2)

MEMORY_LIMIT = f"{100 * _THREADS}MB"
"""For all but the reading of rows: checks of millions of rows put on disk what does not fit."""

# A thread that reads rows needs a third of this. Near the limit each allocation first gives memory back to
# the system, which takes long; so the limit stays out of reach, and what fills it up is freed now and then.
_LIMIT_WHILE_READING = f"{300 * _THREADS}MB"
_MOST_WRITTEN_BYTES = 50_000_000 * _THREADS
_LIMIT_THAT_FREES_THEM = f"{50 * _THREADS}MB"


def make_room_for_rows(connection: duckdb.DuckDBPyConnection) -> None:
    """Let DuckDB hold what it needs while it reads rows, until `free_all`."""
    _limit(connection, _LIMIT_WHILE_READING)


def free_written(connection: duckdb.DuckDBPyConnection) -> None:
    """Free the blocks of tables that were written, if they are many; DuckDB keeps them up to its limit."""
    (written,) = connection.execute(
        "SELECT memory_usage_bytes FROM duckdb_memory() WHERE tag = 'BASE_TABLE'"
    ).fetchone() or (0,)
    if written > _MOST_WRITTEN_BYTES:
        _limit(connection, _LIMIT_THAT_FREES_THEM)
        _limit(connection, _LIMIT_WHILE_READING)


def free_all(connection: duckdb.DuckDBPyConnection) -> None:
    """Go back to `MEMORY_LIMIT`."""
    _limit(connection, _LIMIT_THAT_FREES_THEM)
    _limit(connection, MEMORY_LIMIT)


def _limit(connection: duckdb.DuckDBPyConnection, size: str) -> None:
    with suppress(duckdb.OutOfMemoryException):  # more is in use, and the limit stays as it was
        connection.execute(f"SET memory_limit = '{size}'")
