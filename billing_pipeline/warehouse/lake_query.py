"""What may be asked of a lake: its extensions bring functions that change it, and that reach beyond it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import duckdb

from billing_pipeline.errors import WarehouseError

# Of all that DuckLake's extension brings, these only tell of the lake's history.
_HISTORY = {
    "ducklake_snapshots",
    "ducklake_current_snapshot",
    "ducklake_table_changes",
    "ducklake_table_insertions",
    "ducklake_table_deletions",
}
# Functions that run a text as a query, which could call anything.
_INDIRECT = {"query", "query_table", "json_execute_serialized_sql"}
_CATALOGUE = "__ducklake_metadata"


def refuse_more_than_a_question(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    """Let only a SELECT pass that calls nothing but DuckDB's own functions and the warehouse's macros.

    Args:
        connection: with the extensions loaded.

    Raises:
        WarehouseError: the query is something else, or names what it must not call.
    """
    with duckdb.connect(":memory:") as parser:
        (found,) = parser.execute(
            "SELECT json_serialize_sql($query::VARCHAR)", {"query": query}
        ).fetchone() or ("{}",)
    tree = json.loads(found)
    if tree.get("error"):
        if tree.get("error_type") == "not implemented":
            raise WarehouseError(
                "a lake answers questions that begin with SELECT, FROM, WITH or DESCRIBE only",
                todo="Ask with SELECT; PIVOT needs its values (IN …) here.",
            )
        raise WarehouseError(" ".join(str(tree.get("error_message")).split()), todo="Correct the query.")
    refused = (_of_extensions(connection) | _INDIRECT) - _HISTORY
    for kind, name in _named(tree):
        if (kind == "function" and name.lower() in refused) or (
            kind == "database" and name.lower().startswith(_CATALOGUE)
        ):
            raise WarehouseError(f"{name} is not to be used here", todo="Ask the tables and views.")


def _named(tree: Any) -> Iterator[tuple[str, str]]:
    """Every function and database that a query names."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            if key == "function_name" and isinstance(value, str):
                yield "function", value
            # The first of two names may be a database, too.
            elif key in {"catalog_name", "schema_name"} and isinstance(value, str):
                yield "database", value
            else:
                yield from _named(value)
    elif isinstance(tree, list):
        for each in tree:
            yield from _named(each)


def _of_extensions(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
    return _functions(connection) - _own_functions()


@cache
def _own_functions() -> frozenset[str]:
    with duckdb.connect(":memory:") as plain:
        return _functions(plain)


def _functions(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
    rows = connection.execute(
        "SELECT DISTINCT function_name FROM duckdb_functions() WHERE internal"
    ).fetchall()
    return frozenset(name for (name,) in rows)
