"""Memory of DuckDB connections: a share for each thread, so that concurrent readers fit on one machine."""

from __future__ import annotations

import atexit
import shutil
from functools import cache
from tempfile import mkdtemp

import duckdb

# MB for each thread. A month's views need no more.
_READING = 150
# MB for each thread: twice the need of a thread that reads rows of a report.
_LOADING = 200


def limit_reading(connection: duckdb.DuckDBPyConnection) -> None:
    """Limit a connection to what the queries of this package need; more spills to its temporary folder."""
    _limit(connection, _READING)


def limit_loading(connection: duckdb.DuckDBPyConnection) -> None:
    """Limit a connection to what a load needs; more spills to its temporary folder."""
    _limit(connection, _LOADING)


def limit_query(connection: duckdb.DuckDBPyConnection) -> None:
    """Limit a connection that runs a person's query to DuckDB's default, 80 % of the machine's memory."""
    connection.execute("RESET memory_limit")


def _limit(connection: duckdb.DuckDBPyConnection, per_thread: int) -> None:
    (threads,) = connection.execute("SELECT current_setting('threads')").fetchone() or (2,)
    connection.execute(f"SET memory_limit = '{per_thread * max(int(threads), 2)}MB'")


@cache
def folder_to_spill_to() -> str:
    """A private folder of this process; empty, which means none, if it cannot be made.

    One for all connections, because DuckDB refuses a second connection to a file with another configuration.
    """
    try:
        folder = mkdtemp(prefix="billing-warehouse-")
    except OSError:
        return ""
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
