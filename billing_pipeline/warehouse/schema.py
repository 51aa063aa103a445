"""Tables, macros and views of the warehouse, created or updated by every change."""

import hashlib
from collections.abc import Mapping
from contextlib import ExitStack
from functools import cache
from importlib import resources

import duckdb

from billing_pipeline.sql_files import opening_comment, quote_literal, read_sql

_PACKAGE = resources.files("billing_pipeline")
_TABLES = (
    *(
        f"warehouse/schema/{name}.sql"
        for name in (
            "usage",
            "load_history",
            "load_checks",
            "usage_restatement",
            "period_closing",
            "month_totals",
            "macros",
        )
    ),
    *(
        f"charges/schema/{name}.sql"
        for name in ("price", "customer_terms", "price_load", "invoice_line", "macros")
    ),
)
# Tables of reference data, each made from a CSV file.
_REFERENCE_DATA = {
    "warehouse/schema/offering_item.sql": "warehouse/schema/offering_items.csv",
    "charges/schema/iso_currency.sql": "charges/schema/currencies.csv",
    "charges/schema/focus_service.sql": "charges/schema/focus_services.csv",
}
_TOTAL_MONTH = "warehouse/queries/total_month.sql"

REPORT_VIEWS = (
    "billable_usage",
    "month_over_month",
    "tenant_changes",
    "sku_totals",
    "compute_points_by_customer",
    "storage_growth",
)
"""The views of a period's usage, in order of dependency."""
CHARGE_VIEWS = (
    "price_tier",
    "priced_usage",
    "unpriced_usage",
    "customer_minimum",
    "currency_conflict",
    "charge",
    "margin",
    "invoiced_charge",
    "correction_due",
    "invoice",
    "focus_cost_and_usage",
)
"""The views of prices and of what they make of the usage, in order of dependency."""
VIEW_FILES = {
    **{
        view: f"warehouse/views/{view}.sql"
        for view in (
            "loaded_report",
            "closed_period",
            "latest_load_checks",
            "calendar_month",
            "infrastructure_ownership",
            "billed_row",
            *REPORT_VIEWS,
        )
    },
    **{view: f"charges/views/{view}.sql" for view in CHARGE_VIEWS},
}
"""The file of each view, in order of dependency; it opens with the question that the view answers."""
VIEWS = tuple(VIEW_FILES)
"""Every view, in order of dependency."""


def create_schema(connection: duckdb.DuckDBPyConnection) -> None:
    """Create missing tables, and replace macros and views, in the connection's database.

    A database with the fingerprint of this version is left unchanged.
    """
    connection.execute(read_sql("warehouse/schema/schema_version.sql"))
    if is_current(connection):
        return
    views = {view: read_sql(file) for view, file in VIEW_FILES.items()}
    comments = (
        f"COMMENT ON VIEW {view} IS {quote_literal(opening_comment(definition))}"
        for view, definition in views.items()
    )
    with ExitStack() as files:
        reference_data = (
            read_sql(table).replace(
                "$path", quote_literal(files.enter_context(resources.as_file(_PACKAGE.joinpath(data))))
            )
            for table, data in _REFERENCE_DATA.items()
        )
        statements = (*map(read_sql, _TABLES), *reference_data, *views.values(), *comments)
        # One transaction: syncing each statement to disk would take longer than executing it. Together: after
        # each separate one, DuckDB waits for other Python threads.
        connection.execute("\n;\n".join(("BEGIN", *statements, "COMMIT")))
    # Their definition may have changed.
    for billing_period, account in connection.execute(
        "SELECT billing_period, account FROM loaded_report ORDER BY ALL"
    ).fetchall():
        replace_month_totals(connection, {"billing_period": billing_period, "account": account})
    # The last statement, so that an update that was interrupted is repeated.
    connection.execute(
        f"BEGIN; DELETE FROM schema_version; INSERT INTO schema_version VALUES ('{_fingerprint()}'); COMMIT"
    )


def replace_month_totals(connection: duckdb.DuckDBPyConnection, scope: Mapping[str, object]) -> None:
    """Calculate the row of `month_totals` of a loaded month again.

    Args:
        scope: its `billing_period` and `account`.
    """
    connection.execute(
        "DELETE FROM month_totals WHERE billing_period = $billing_period AND account = $account", scope
    )
    connection.execute(read_sql(_TOTAL_MONTH), scope)


def is_current(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether tables, macros and views are those of this version."""
    (known,) = connection.execute("SELECT max(fingerprint) FROM schema_version").fetchone() or (None,)
    return bool(known == _fingerprint())


@cache
def _fingerprint() -> str:
    names = (*_TABLES, _TOTAL_MONTH, *_REFERENCE_DATA, *_REFERENCE_DATA.values(), *VIEW_FILES.values())
    return hashlib.sha256("\0".join(map(read_sql, names)).encode()).hexdigest()
