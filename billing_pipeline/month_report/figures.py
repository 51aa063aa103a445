"""The figures of one month, as the page shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb

from billing_pipeline.periods import BillingPeriod
from billing_pipeline.sql_files import read_sql, rows_as_dicts
from billing_pipeline.warehouse.check_results import CheckResult, latest_checks
from billing_pipeline.warehouse.history import require_loaded

Row = dict[str, Any]
_QUERIES = (
    "months",
    "sku_totals",
    "customer_totals",
    "movements",
    "tenant_changes",
    "restatements",
    "restated_keys",
)


@dataclass(frozen=True, slots=True)
class MonthFigures:
    """Rows of the folder's queries; quantities are `Decimal`, in GiB, compute points or pieces.

    Args:
        loads: the report of each account.
        compared: whether the month before is loaded for at least one of the accounts.
        same_accounts: whether the month before is loaded for the same accounts, so that sums can be compared.
        months: the month, last, and up to twelve before it.
        checks: with the account of each.
    """

    period: BillingPeriod
    loads: list[Row]
    compared: bool
    same_accounts: bool
    checks: list[tuple[str, CheckResult]]
    months: list[Row]
    sku_totals: list[Row]
    customer_totals: list[Row]
    movements: list[Row]
    tenant_changes: list[Row]
    restatements: list[Row]
    restated_keys: list[Row]

    @classmethod
    def load(cls, connection: duckdb.DuckDBPyConnection, period: BillingPeriod) -> MonthFigures:
        """Query the warehouse.

        Args:
            connection: from `Warehouse.reading`.
            period: a loaded period.

        Raises:
            WarehouseError: the period is not loaded.
        """
        require_loaded(connection, period)
        loads = _rows(connection, "load", period)
        checks = {
            key.account: found for key, found in latest_checks(connection).items() if key.period == period
        }
        return cls(
            period=period,
            loads=loads,
            compared=any(load["has_month_before"] for load in loads),
            same_accounts=all(load["same_accounts_before"] for load in loads),
            checks=[(account, check) for account, found in checks.items() for check in found],
            **{query: _rows(connection, query, period) for query in _QUERIES},
        )

    @property
    def times_loaded(self) -> int:
        """How often the month was loaded; of several accounts, the largest number."""
        return max(int(load["times_loaded"]) for load in self.loads)

    def month(self, period: BillingPeriod) -> Row | None:
        """A month's totals; None if it is not loaded or has no billable usage."""
        return next((row for row in self.months if row["billing_period"] == period.start), None)


def _rows(connection: duckdb.DuckDBPyConnection, name: str, period: BillingPeriod) -> list[Row]:
    return rows_as_dicts(connection.execute(read_sql(f"month_report/{name}.sql"), {"month": period.start}))
