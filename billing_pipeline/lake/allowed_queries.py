"""Allowlist for `sql` on a lake: SELECTs that call only functions without side effects.

The extensions of DuckLake and PostgreSQL have functions that change the lake or access other systems, and
DuckDB has functions that write files. A read-only connection does not prevent them, so only listed functions
may be called.
"""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import duckdb

from billing_pipeline.errors import WarehouseError

# DuckDB marks these as having side effects, because their value differs from call to call.
_VOLATILE = {"error", "gen_random_uuid", "random", "uuid", "uuidv4", "uuidv7"}
_TABLE_FUNCTIONS = {
    "duckdb_columns",
    "duckdb_functions",
    "duckdb_schemas",
    "duckdb_tables",
    "duckdb_views",
    "generate_series",
    "json_each",
    "json_tree",
    "pragma_show",
    "pragma_table_info",
    "range",
    "repeat",
    "unnest",
}
# The only functions of DuckLake's extension that are read-only: they query the lake's history.
_HISTORY = {
    "ducklake_current_snapshot",
    "ducklake_snapshots",
    "ducklake_table_changes",
    "ducklake_table_deletions",
    "ducklake_table_insertions",
}
_CATALOGUE = "__ducklake_metadata"


def refuse_unsafe_query(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    """Accept only a SELECT that calls allowed functions and the warehouse's own macros.

    Args:
        connection: to the lake, attached as `warehouse`.

    Raises:
        WarehouseError: the query is something else, or names a function or database that is not allowed.
    """
    (found,) = _plain_duckdb().cursor().execute(
        "SELECT json_serialize_sql($query::VARCHAR)", {"query": query}
    ).fetchone() or ("{}",)
    tree = json.loads(found)
    if tree.get("error"):
        if tree.get("error_type") == "not implemented":
            raise WarehouseError(
                "on a lake a query must begin with SELECT, FROM, WITH or DESCRIBE",
                todo="Write it as a SELECT; PIVOT needs its values (IN …) here.",
            )
        raise WarehouseError(" ".join(str(tree.get("error_message")).split()), todo="Correct the query.")
    names = set(_names(tree))
    unknown = {name for kind, name in names if kind == "function" and name.lower() not in allowed_functions()}
    own = _own_macros(connection) if unknown else frozenset()
    refused = {name for name in unknown if name.lower() not in own}
    refused |= {name for kind, name in names if kind == "database" and name.lower().startswith(_CATALOGUE)}
    if refused:
        raise WarehouseError(f"{min(refused)} is not allowed here", todo="Query the tables and views.")


@cache
def _plain_duckdb() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(":memory:")


@cache
def allowed_functions() -> frozenset[str]:
    """DuckDB's built-in functions without side effects, and those listed above."""
    harmless = _plain_duckdb().execute(
        "SELECT function_name FROM duckdb_functions() WHERE internal GROUP BY ALL"
        " HAVING bool_and(function_type IN ('scalar', 'aggregate', 'macro')"
        " AND NOT coalesce(has_side_effects, false))"
    )
    return frozenset(name for (name,) in harmless.fetchall()) | _VOLATILE | _TABLE_FUNCTIONS | _HISTORY


def _own_macros(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
    rows = connection.execute(
        "SELECT DISTINCT function_name FROM duckdb_functions()"
        " WHERE NOT internal AND database_name = 'warehouse'"
    ).fetchall()
    return frozenset(name for (name,) in rows)


def _names(tree: Any) -> Iterator[tuple[str, str]]:
    """Every function and database that a parsed query names."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            if key == "function_name" and isinstance(value, str):
                # With OVER, DuckDB accepts only aggregates and window functions.
                if tree.get("class") != "WINDOW":
                    yield "function", value
            # The first of two names may be a database, too.
            elif key in {"catalog_name", "schema_name"} and isinstance(value, str):
                yield "database", value
            else:
                yield from _names(value)
    elif isinstance(tree, list):
        for each in tree:
            yield from _names(each)
