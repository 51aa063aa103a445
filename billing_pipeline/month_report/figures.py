"""The figures of one month, as the page shows them."""

from __future__ import annotations

from typing import Any

import duckdb

from billing_pipeline.periods import BillingPeriod
from billing_pipeline.sql_files import read_sql, rows_as_dicts
from billing_pipeline.warehouse.check_results import latest_checks
from billing_pipeline.warehouse.history import require_loaded

Row = dict[str, Any]
_QUERIES = (
    "loads",
    "months",
    "sku_totals",
    "customer_totals",
    "movements",
    "tenant_changes",
    "restatements",
    "restated_keys",
)


def month_figures(connection: duckdb.DuckDBPyConnection, period: BillingPeriod) -> dict[str, Any]:
    """Query the warehouse.

    Args:
        connection: from `Warehouse.reading`.
        period: a loaded period.

    Returns:
        The rows of each query of this folder, by its name; quantities are `Decimal`, in GiB, compute points
        or pieces. Besides: `now` and `before`, the totals of the month and the month before, None without
        billable usage; `checks`, each with its account; `compared`, whether the month before is loaded for at
        least one of the accounts; `same_accounts`, whether for the same ones, so that sums can be compared;
        `times_loaded`, of several accounts the largest number.

    Raises:
        WarehouseError: the period is not loaded.
    """
    require_loaded(connection, period)
    # The views read the temporary table in place of the view of that name, so the usage is summed once.
    connection.execute(read_sql("month_report/comparable_usage.sql"), {"month": period.start})
    rows = {
        name: rows_as_dicts(connection.execute(read_sql(f"month_report/{name}.sql"), {"month": period.start}))
        for name in _QUERIES
    }
    loads, months = rows["loads"], {row["billing_period"]: row for row in rows["months"]}
    checks = {key.account: found for key, found in latest_checks(connection).items() if key.period == period}
    return rows | {
        "now": months.get(period.start),
        "before": months.get(period.previous().start),
        "checks": [(account, check) for account, found in checks.items() for check in found],
        "compared": any(load["has_month_before"] for load in loads),
        "same_accounts": all(load["same_accounts_before"] for load in loads),
        "times_loaded": max(load["times_loaded"] for load in loads),
    }
