"""Limits of DuckDB connections: of memory a share for each thread, so that concurrent readers fit."""

import atexit
import shutil
from functools import cache
from tempfile import mkdtemp

import duckdb

READING = 150
"""MB for each thread of a connection for the queries of this package: a month's views need no more."""
LOADING = 180
"""MB for each thread of a load: twice what a thread needs that reads rows of a report."""


def limit_memory(connection: duckdb.DuckDBPyConnection, per_thread: int) -> None:
    """Limit a connection to so many MB for each of its threads; more spills to its temporary folder."""
    (threads,) = connection.execute("SELECT current_setting('threads')").fetchone() or (2,)
    connection.execute(f"SET memory_limit = '{per_thread * max(int(threads), 2)}MB'")
    # This optimizer keeps a month's usage in memory where a query reads it twice, which takes longer, too.
    connection.execute("SET disabled_optimizers = 'common_subplan'")


def execute_restricted(connection: duckdb.DuckDBPyConnection, query: str) -> duckdb.DuckDBPyConnection:
    """Execute a person's query with DuckDB's default limit, 80 % of the machine's memory.

    It and later ones have no access to other files (COPY … TO, ATTACH).
    """
    connection.execute(
        "RESET memory_limit; SET enable_external_access = false; SET lock_configuration = true"
    )
    return connection.execute(query)


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
