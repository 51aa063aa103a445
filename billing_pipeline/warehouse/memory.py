"""How much memory DuckDB may hold while a period is loaded, so that it does not grow with the report."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import duckdb

# MB for each thread. Checks of millions of rows put on disk what does not fit.
_LIMIT = 100
# A thread that reads rows needs a third of this. Near the limit each allocation first gives memory back to
# the system, which takes long; so the limit stays out of reach, and what fills it up is freed now and then.
_LIMIT_WHILE_READING = 300
_MOST_WRITTEN = 50

_BOUNDED = "bounded_memory"
"""Variable of a connection whose limit is set here; any other connection keeps its own."""


def bound(connection: duckdb.DuckDBPyConnection) -> None:
    """Limit the memory of a connection's database."""
    connection.execute(f"SET VARIABLE {_BOUNDED} = true")
    _limit(connection, _LIMIT)


@contextmanager
def room_for_rows(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Let a bounded connection hold what it needs while it reads rows."""
    _limit(connection, _LIMIT_WHILE_READING)
    yield
    _limit(connection, _LIMIT)


def free_written(connection: duckdb.DuckDBPyConnection) -> None:
    """Free the blocks of tables that were written, if they are many; DuckDB keeps them up to its limit."""
    (written,) = connection.execute(
        "SELECT memory_usage_bytes FROM duckdb_memory() WHERE tag = 'BASE_TABLE'"
    ).fetchone() or (0,)
    if written > _MOST_WRITTEN * 1_000_000 * _threads(connection):
        _limit(connection, _MOST_WRITTEN)
        _limit(connection, _LIMIT_WHILE_READING)


def _limit(connection: duckdb.DuckDBPyConnection, mb_of_a_thread: int) -> None:
    if connection.execute(f"SELECT getvariable('{_BOUNDED}')").fetchone() != (True,):
        return
    with suppress(duckdb.OutOfMemoryException):  # more is in use, and the limit stays as it was
        connection.execute(f"SET memory_limit = '{mb_of_a_thread * _threads(connection)}MB'")


def _threads(connection: duckdb.DuckDBPyConnection) -> int:
    """How many DuckDB uses: those that this process may have, in a container too."""
    (threads,) = connection.execute("SELECT current_setting('threads')").fetchone() or (2,)
    return max(int(threads), 2)
