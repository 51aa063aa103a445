"""Tables, macros and views of the warehouse, created or updated by every change."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources

import duckdb

from billing_pipeline.sql_files import opening_comment, quote_literal, read_sql

_TABLES = tuple(
    f"warehouse/schema/{name}.sql"
    for name in ("usage", "load_history", "load_checks", "usage_restatement", "period_closing", "macros")
)
_VIEW = "warehouse/views/{}.sql"
_OFFERING_ITEM = "warehouse/schema/offering_item.sql"
_OFFERING_ITEMS = "warehouse/schema/offering_items.csv"

REPORT_VIEWS = (
    "billable_usage",
    "month_over_month",
    "tenant_changes",
    "sku_totals",
    "compute_points_by_customer",
    "storage_growth",
)
"""The views of a period's usage, in order of dependency."""
VIEWS = ("loaded_report", "closed_period", "latest_load_checks", "infrastructure_ownership", *REPORT_VIEWS)
"""Every view, in order of dependency; the opening comment of its file is the question that it answers."""


def create_schema(connection: duckdb.DuckDBPyConnection) -> None:
    """Create missing tables, and replace macros and views, in the connection's database.

    A database with the fingerprint of this version is left unchanged.
    """
    connection.execute(read_sql("warehouse/schema/schema_version.sql"))
    if is_current(connection):
        return
    views = {view: read_sql(_VIEW.format(view)) for view in VIEWS}
    comments = (
        f"COMMENT ON VIEW {view} IS {quote_literal(opening_comment(definition))}"
        for view, definition in views.items()
    )
    version = f"DELETE FROM schema_version; INSERT INTO schema_version VALUES ('{_fingerprint()}')"
    with resources.as_file(resources.files("billing_pipeline").joinpath(_OFFERING_ITEMS)) as path:
        offering_items = read_sql(_OFFERING_ITEM).replace("$path", quote_literal(path))
        statements = (*map(read_sql, _TABLES), offering_items, *views.values(), *comments, version)
        # One transaction: syncing each statement to disk would take longer than executing it. Together: after
        # each separate one, DuckDB waits for other Python threads.
        connection.execute("\n;\n".join(("BEGIN", *statements, "COMMIT")))


def is_current(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether tables, macros and views are those of this version."""
    (known,) = connection.execute("SELECT max(fingerprint) FROM schema_version").fetchone() or (None,)
    return bool(known == _fingerprint())


@cache
def _fingerprint() -> str:
    names = (*_TABLES, _OFFERING_ITEM, _OFFERING_ITEMS, *map(_VIEW.format, VIEWS))
    return hashlib.sha256("\0".join(map(read_sql, names)).encode()).hexdigest()
