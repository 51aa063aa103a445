"""The figures of one month, as the page shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb

from billing_pipeline.errors import WarehouseError
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.sql_files import read_sql, rows_as_dicts
from billing_pipeline.warehouse.check_results import CheckResult, latest_checks

Row = dict[str, Any]


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
    months: list[Row]
    skus: list[Row]
    customers: list[Row]
    movements: list[Row]
    tenant_changes: list[Row]
    checks: list[tuple[str, CheckResult]]
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
        loads = _rows(connection, "load", period)
        if not loads:
            raise WarehouseError(
                "the period is not loaded",
                todo=f"Load it first: billing-pipeline run --period {period}.",
                period=period.key,
            )
        compared = any(load["has_month_before"] for load in loads)
        return cls(
            period=period,
            loads=loads,
            compared=compared,
            same_accounts=all(load["same_accounts_before"] for load in loads),
            months=_rows(connection, "months", period),
            skus=_rows(connection, "sku_totals", period),
            customers=_rows(connection, "customer_totals", period),
            movements=_rows(connection, "movements", period) if compared else [],
            tenant_changes=_rows(connection, "tenant_changes", period) if compared else [],
            checks=[
                (checked.account, check)
                for checked, checks in latest_checks(connection).items()
                if checked.period == period
                for check in checks
            ],
            restatements=_rows(connection, "restatements", period),
            restated_keys=_rows(connection, "restated_keys", period),
        )

    @property
    def times_loaded(self) -> int:
        """How often the month was loaded; of several accounts, the largest number."""
        return max(int(load["times_loaded"]) for load in self.loads)

    @property
    def now(self) -> Row | None:
        """The month itself; None if it has no billable usage."""
        return self.months[-1] if self.months and self._is(self.months[-1], self.period) else None

    @property
    def before(self) -> Row | None:
        """The month before, if it is loaded."""
        found = [row for row in self.months if self._is(row, self.period.previous())]
        return found[0] if found else None

    @staticmethod
    def _is(row: Row, period: BillingPeriod) -> bool:
        return bool(row["billing_period"] == period.start)


def _rows(connection: duckdb.DuckDBPyConnection, name: str, period: BillingPeriod) -> list[Row]:
    return rows_as_dicts(connection.execute(read_sql(f"month_report/{name}.sql"), {"month": period.start}))
