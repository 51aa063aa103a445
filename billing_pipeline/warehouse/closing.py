"""Closed periods: an invoiced period is not replaced by accident."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

import duckdb

from billing_pipeline.errors import PeriodClosedError
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.sql_files import read_sql
from billing_pipeline.warehouse.warehouse import Warehouse


class ClosedSince(NamedTuple):
    """When a period was closed, by whom and why."""

    closed_at: datetime
    closed_by: str | None
    note: str | None


def require_open(warehouse: Warehouse, period: BillingPeriod) -> None:
    """Raise, before a report is requested, if a period is closed.

    Raises:
        PeriodClosedError: it is closed.
    """
    if warehouse.exists():
        with warehouse.reading() as connection:
            refuse_if_closed(connection, period)


def refuse_if_closed(connection: duckdb.DuckDBPyConnection, period: BillingPeriod) -> None:
    """The same, through a connection to the warehouse.

    Raises:
        PeriodClosedError: the period is closed.
    """
    if closing := closing_of(connection, period):
        raise PeriodClosedError(
            f"the period was closed on {closing.closed_at:%Y-%m-%d %H:%M} UTC"
            + (f" by {closing.closed_by}" if closing.closed_by else "")
            + (f" ({closing.note})" if closing.note else ""),
            todo=f"Reopen it with `billing-pipeline reopen --period {period}`, "
            f"or replace its usage once with `billing-pipeline run --period {period} --force`; both are "
            "recorded.",
            period=period.key,
        )


def open_periods(warehouse: Warehouse, periods: Iterable[BillingPeriod]) -> list[BillingPeriod]:
    """Those of the periods that are not closed."""
    if not warehouse.exists():
        return list(periods)
    with warehouse.reading() as connection:
        return [period for period in periods if not closing_of(connection, period)]


def closing_of(connection: duckdb.DuckDBPyConnection, period: BillingPeriod) -> ClosedSince | None:
    """The closing of a period; None if it is open."""
    found = connection.execute(
        read_sql("warehouse/queries/closing.sql"), {"billing_period": period.start}
    ).fetchone()
    return ClosedSince(*found) if found else None
