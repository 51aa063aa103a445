"""How much memory DuckDB may hold while a period is loaded, so that it does not grow with the report."""

from __future__ import annotations

from contextlib import suppress

import duckdb

# MB for each thread. Checks of millions of rows put on disk what does not fit.
_LIMIT = 100
# A thread that reads rows needs a third of this. Near the limit each allocation first gives memory back to
# the system, which takes long; so the limit stays out of reach, and what fills it up is freed now and then.
_LIMIT_WHILE_READING = 300
_MOST_WRITTEN = 50
_LIMIT_THAT_FREES_WRITTEN = 50


def bound(connection: duckdb.DuckDBPyConnection) -> None:
    """Set the limit for all but the reading of rows, and free what is held beyond it."""
    _limit(connection, _LIMIT)


def make_room_for_rows(connection: duckdb.DuckDBPyConnection) -> None:
    """Let DuckDB hold what it needs while it reads rows, until it is bound again."""
    _limit(connection, _LIMIT_WHILE_READING)


def free_written(connection: duckdb.DuckDBPyConnection) -> None:
    """Free the blocks of tables that were written, if they are many; DuckDB keeps them up to its limit."""
    (written,) = connection.execute(
        "SELECT memory_usage_bytes FROM duckdb_memory() WHERE tag = 'BASE_TABLE'"
    ).fetchone() or (0,)
    if written > _MOST_WRITTEN * 1_000_000 * _threads(connection):
        _limit(connection, _LIMIT_THAT_FREES_WRITTEN)
        _limit(connection, _LIMIT_WHILE_READING)


def _limit(connection: duckdb.DuckDBPyConnection, mb_of_a_thread: int) -> None:
    with suppress(duckdb.OutOfMemoryException):  # more is in use, and the limit stays as it was
        connection.execute(f"SET memory_limit = '{mb_of_a_thread * _threads(connection)}MB'")


def _threads(connection: duckdb.DuckDBPyConnection) -> int:
    """How many DuckDB uses: those that this process may have, in a container too."""
    (threads,) = connection.execute("SELECT current_setting('threads')").fetchone() or (2,)
    return max(int(threads), 2)
