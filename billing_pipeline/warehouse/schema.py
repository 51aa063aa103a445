"""Tables, macros and views of the warehouse, made or renewed whenever it is changed."""

from __future__ import annotations

from importlib import resources

import duckdb

from billing_pipeline.warehouse.sql_files import opening_comment, sql

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


def create_schema(connection: duckdb.DuckDBPyConnection) -> None:
    """Make what is missing, and renew what holds no data of its own, in the connection's database."""
    for table in _TABLES:
        connection.execute(sql(table))
    with resources.as_file(resources.files(__package__).joinpath("offering_items.csv")) as path:
        connection.execute(sql("offering_item.sql"), {"path": str(path)})
    for view in VIEWS:
        text = sql(f"views/{view}.sql")
        connection.execute(text)
        question = opening_comment(text).replace("'", "''")
        connection.execute(f"COMMENT ON VIEW {view} IS '{question}'")
