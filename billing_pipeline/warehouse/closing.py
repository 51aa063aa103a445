"""Closed periods: an invoiced period is not replaced by accident."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Collection
from typing import Literal

import duckdb

from billing_pipeline.errors import PeriodClosedError, WarehouseError, printable_line
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.sql_files import read_sql
from billing_pipeline.warehouse.history import append, require_loaded
from billing_pipeline.warehouse.warehouse import Warehouse


def close_period(
    warehouse: Warehouse, period: BillingPeriod, *, accounts: Collection[str] = (), note: str | None = None
) -> None:
    """Close a loaded period: from then on only a forced run loads it again.

    Args:
        accounts: those whose usage must be loaded; default: any one account.
        note: why, such as the number of the invoice run.

    Raises:
        WarehouseError: the period is not loaded, or not for each account; or the warehouse cannot be changed.
        PeriodClosedError: it is closed already.
    """

    def check(connection: duckdb.DuckDBPyConnection) -> None:
        if missing := sorted(set(accounts) - require_loaded(connection, period)):
            raise WarehouseError(
                f"the usage of {', '.join(missing)} is not loaded, so the period is incomplete",
                todo=f"Load it first: billing-pipeline run --period {period}. If none is expected, "
                "close the period with --force.",
                period=period.key,
            )
        refuse_if_closed(connection, period)

    _record(warehouse, period, "closed", note, check)


def reopen_period(warehouse: Warehouse, period: BillingPeriod, *, note: str | None = None) -> None:
    """Reopen a closed period.

    Raises:
        WarehouseError: the period is not closed, or the warehouse cannot be changed.
    """

    def check(connection: duckdb.DuckDBPyConnection) -> None:
        if not _closing(connection, period).fetchone():
            raise WarehouseError(
                "the period is not closed", todo="There is nothing to reopen.", period=period.key
            )

    _record(warehouse, period, "reopened", note, check)


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
    if closing := _closing(connection, period).fetchone():
        closed_at, closed_by, note = closing
        raise PeriodClosedError(
            f"the period was closed on {closed_at:%Y-%m-%d %H:%M} UTC"
            + (f" by {closed_by}" if closed_by else "")
            + (f" ({note})" if note else ""),
            todo=f"Reopen it with `billing-pipeline reopen --period {period}`, "
            f"or load it once with `billing-pipeline run --period {period} --force`, which is recorded.",
            period=period.key,
        )


def _closing(connection: duckdb.DuckDBPyConnection, period: BillingPeriod) -> duckdb.DuckDBPyConnection:
    return connection.execute(read_sql("warehouse/queries/closing.sql"), {"billing_period": period.start})


def _record(
    warehouse: Warehouse,
    period: BillingPeriod,
    action: Literal["closed", "reopened"],
    note: str | None,
    check: Callable[[duckdb.DuckDBPyConnection], None],
) -> None:
    def change(connection: duckdb.DuckDBPyConnection) -> None:
        check(connection)
        row = {"action": action, "acted_by": _user(), "note": note and printable_line(note)}
        append(connection, "period_closing", period, [row])

    with warehouse.reading() as connection:
        check(connection)  # read first, because a change would create a missing warehouse
    warehouse.change(change)


def _user() -> str | None:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return None
