"""Tables, macros and views of the warehouse, made or renewed when it is changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from importlib import resources
from itertools import chain

import duckdb

from billing_pipeline.sql_files import opening_comment, quote_literal, read_sql

_TABLES = (
    "usage.sql",
    "load_history.sql",
    "load_checks.sql",
    "usage_restatement.sql",
    "period_closing.sql",
    "macros.sql",
)

VIEWS = (
    "loaded_report",
    "closed_period",
    "latest_load_checks",
    "infrastructure_ownership",
    "billable_usage",
    "month_over_month",
    "tenant_changes",
    "sku_totals",
    "compute_points_by_customer",
    "storage_growth",
)
"""Every view, each after those that it reads from; each file opens with the question that it answers."""

_ITEMS = "offering_items.csv"


def create_schema(connection: duckdb.DuckDBPyConnection) -> None:
    """Make what is missing, and renew what holds no data of its own, in the connection's database.

    A database that this very version has been through already is left as it is.
    """
    connection.execute(read_sql("warehouse/schema_version.sql"))
    if is_current(connection):
        return
    # In one transaction, because each one is made durable by itself, which takes longer than the work.
    connection.execute("BEGIN")
    connection.execute(_script(map(_sql, _TABLES)))
    with resources.as_file(resources.files(__package__).joinpath(_ITEMS)) as path:
        connection.execute(read_sql("warehouse/offering_item.sql"), {"path": str(path)})
    connection.execute(_script(chain.from_iterable(map(_view, VIEWS))))
    connection.execute("DELETE FROM schema_version")
    connection.execute("INSERT INTO schema_version VALUES ($fingerprint)", {"fingerprint": _fingerprint()})
    connection.execute("COMMIT")


def is_outdated(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether an earlier version has made the tables, which lack columns that statements of this one name.

    So does a database without any table, which some program has made in passing.
    """
    found = connection.execute(
        "SELECT count(*) AS columns, count_if(table_name = 'usage') AS its_columns,"
        " count_if(table_name = 'usage' AND column_name = 'account') AS accounts"
        " FROM duckdb_columns() WHERE database_name = current_database() AND NOT internal"
    ).fetchone()
    columns, its_columns, accounts = found or (0, 0, 0)
    return bool(columns == 0 or (its_columns > 0 and accounts == 0))


def is_current(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether this very version has made the tables, macros and views."""
    (known,) = connection.execute("SELECT max(fingerprint) FROM schema_version").fetchone() or (None,)
    return bool(known == _fingerprint())


def _sql(name: str) -> str:
    return read_sql(f"warehouse/{name}")


def _script(statements: Iterable[str]) -> str:
    """Statements to be executed together: each by itself waits for other Python threads at its end."""
    return "\n;\n".join(statements)


def _view(view: str) -> tuple[str, str]:
    definition = read_sql(f"warehouse/views/{view}.sql")
    return definition, f"COMMENT ON VIEW {view} IS {quote_literal(opening_comment(definition))}"


@cache
def _fingerprint() -> str:
    names = (*_TABLES, "offering_item.sql", _ITEMS, *(f"views/{view}.sql" for view in VIEWS))
    return hashlib.sha256("\0".join(_sql(name) for name in names).encode()).hexdigest()
