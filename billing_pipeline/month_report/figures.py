"""The figures of one month, as the page shows them."""

from typing import Any

import duckdb

from billing_pipeline.charges.price_state import (
    corrections_due,
    currency_conflicts,
    has_prices,
    loaded_files,
)
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.sql_files import read_sql, rows_as_dicts
from billing_pipeline.warehouse.check_results import latest_checks
from billing_pipeline.warehouse.closing import closing_of
from billing_pipeline.warehouse.history import require_loaded

Row = dict[str, Any]
# Queries of this folder with their parameters besides the month.
_QUERIES: dict[str, dict[str, int]] = {
    "loads": {},
    "months": {},
    "sku_totals": {},
    "customer_lines": {"customers": 150, "lines": 1_800},
    "movements": {"shown": 12},
    "tenant_changes": {},
    "restatements": {},
    "restated_keys": {},
}
_CHARGE_QUERIES: dict[str, dict[str, int]] = {
    "charge_totals": {},
    "charged_customers": {"shown": 15},
    "charge_changes": {"shown": 10},
    "unpriced_items": {},
    "invoiced_corrections": {},
}
# Usage rows of closed months that are charged again, to find what is due, before older months are left out.
_ROWS_CHARGED_AGAIN = 100_000


def month_figures(connection: duckdb.DuckDBPyConnection, period: BillingPeriod) -> dict[str, Any]:
    """Query the warehouse.

    Args:
        connection: from `Warehouse.reading`.
        period: a loaded period.

    Returns:
        The rows of each query of this folder, by its name; quantities and amounts are `Decimal`, in GiB,
        compute points, pieces or a currency. Besides: `now` and `before`, the totals of the month and the
        month before, None without billable usage; `checks`, each with its account; `compared`, whether the
        month before is loaded for at least one of the accounts; `same_accounts`, whether for the same ones,
        so that sums can be compared; `times_loaded`, of several accounts the largest number; `charges`, the
        figures of prices and charges, None without prices.

    Raises:
        WarehouseError: the period is not loaded.
    """
    require_loaded(connection, period)
    # Every query orders its rows. Without their order the tables below are written by all threads.
    connection.execute("SET preserve_insertion_order = false")
    # First, because the temporary tables below, which views read in place of views, hold two months only.
    charges = _corrections_due(connection, period) if has_prices(connection) else None
    connection.execute(read_sql("month_report/comparable_usage.sql"), {"month": period.start})
    connection.execute(read_sql("month_report/comparable_charge.sql"))
    connection.execute(read_sql("month_report/customer_total.sql"), {"month": period.start})
    if charges is not None:
        charges |= _charges(connection, period)
    rows = _rows(connection, period, _QUERIES)
    rows["customer_totals"] = rows_as_dicts(connection.execute("FROM customer_total ORDER BY place"))
    loads, months = rows["loads"], {row["billing_period"]: row for row in rows["months"]}
    checks = latest_checks(connection, period)
    return rows | {
        "now": months.get(period.start),
        "before": months.get(period.previous().start),
        "checks": [(checked.account, check) for checked, found in checks.items() for check in found],
        "compared": any(load["has_month_before"] for load in loads),
        "same_accounts": all(load["same_accounts_before"] for load in loads),
        "times_loaded": max(load["times_loaded"] for load in loads),
        "charges": charges,
    }


def _corrections_due(connection: duckdb.DuckDBPyConnection, period: BillingPeriod) -> dict[str, Any]:
    """What the next closing corrects: for an open month all closed months, for a closed month that month."""
    closed = connection.execute(read_sql("month_report/closed_months.sql")).fetchall()
    months = [month for month, rows_of_later in closed if rows_of_later < _ROWS_CHARGED_AGAIN]
    if closing_of(connection, period):
        closed, months = [], [period.start]
    return {
        "corrections_due": corrections_due(connection, reversed(months)),
        "first_month_corrected": months[-1] if len(closed) > len(months) else None,
    }


def _charges(connection: duckdb.DuckDBPyConnection, period: BillingPeriod) -> dict[str, Any]:
    for month in (period, period.previous()):
        lines = "frozen_lines" if closing_of(connection, month) else "charged_lines"
        connection.execute(
            read_sql("month_report/insert_charges.sql").format(
                lines=read_sql(f"charges/queries/{lines}.sql")
            ),
            {"month": month.start},
        )
    figures = _rows(connection, period, _CHARGE_QUERIES)
    totals = figures.pop("charge_totals")
    return figures | {
        "totals": [total for total in totals if total["is_now"]],
        "totals_before": {total["currency"]: total for total in totals if not total["is_now"]},
        "prices_loaded_at": loaded_files(connection)[0].recorded_at,
        "conflicts": [] if totals else currency_conflicts(connection, period.start),
    }


def _rows(
    connection: duckdb.DuckDBPyConnection, period: BillingPeriod, queries: dict[str, dict[str, int]]
) -> dict[str, Any]:
    return {
        name: rows_as_dicts(
            connection.execute(read_sql(f"month_report/{name}.sql"), {"month": period.start} | limits)
        )
        for name, limits in queries.items()
    }
