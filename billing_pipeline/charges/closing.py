"""Closing a month freezes its charges as invoice lines; reopening it leaves them alone, or voids them."""

import getpass
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import duckdb

from billing_pipeline.charges.price_state import (
    changed_files,
    currency_conflicts,
    has_prices,
    unpriced_items,
)
from billing_pipeline.errors import ChargesRefusedError, WarehouseError, printable_line
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.sql_files import read_sql, rows_as_dicts
from billing_pipeline.warehouse.closing import closing_of, refuse_if_closed
from billing_pipeline.warehouse.history import append, require_loaded
from billing_pipeline.warehouse.warehouse import Warehouse


@dataclass(frozen=True, slots=True)
class FrozenTotal:
    """What a closing froze of one month's usage in one currency.

    Args:
        is_charge: False for the correction of a month that was closed before.
        lines: number of invoice lines.
    """

    charge_period: date
    is_charge: bool
    currency: str
    lines: int
    customers: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Closing:
    """What a closing did.

    Args:
        frozen: the new invoice lines, added up.
        unpriced: usage without a price, in the month and in closed months that were corrected or loaded again
            since the closing before; one line each.
        has_prices: whether any prices are loaded.
    """

    frozen: tuple[FrozenTotal, ...]
    unpriced: tuple[str, ...]
    has_prices: bool


def close_period(
    warehouse: Warehouse,
    period: BillingPeriod,
    *,
    accounts: Collection[str] = (),
    prices_folder: Path | None = None,
    note: str | None = None,
    forced: bool = False,
) -> Closing:
    """Close a loaded period, and freeze its charges as invoice lines in the same transaction.

    Months that were closed before and cost something else now, because they were loaded again or their prices
    were corrected, are corrected on the invoices of this period: what was invoiced is reversed, and what it
    costs is charged anew. From then on only a forced run loads the period again.

    Args:
        accounts: those whose usage must be loaded; default: any one account.
        prices_folder: the price files that must be the ones in force; default: none are compared.
        note: why, such as the number of the invoice run.
        forced: close it also if accounts are missing, usage has no price or price files have changed since
            they were loaded; recorded.

    Raises:
        PeriodError: the period has not ended.
        WarehouseError: the period is not loaded, or not for each account; or the warehouse cannot be changed.
        PeriodClosedError: it is closed already.
        ChargesRefusedError: usage of the period has no price, a price file has changed, or a customer has
            prices in two currencies.
    """
    period.require_ended()

    def check(connection: duckdb.DuckDBPyConnection) -> None:
        missing = sorted(set(accounts) - require_loaded(connection, period))
        if missing and not forced:
            raise WarehouseError(
                f"the usage of {', '.join(missing)} is not loaded, so the period is incomplete",
                todo=f"Load it first: billing-pipeline run --period {period}. If none is expected, "
                "close the period with --force.",
                period=period.key,
            )
        refuse_if_closed(connection, period)
        if prices_folder and not forced:
            _refuse_changed_files(connection, prices_folder, period)

    def close(connection: duckdb.DuckDBPyConnection) -> Closing:
        check(connection)
        if not forced:
            _refuse_unpriced_usage(connection, period)
        _record(connection, period, "closed", note, forced=forced)
        return _freeze(connection, period, forced=forced)

    _check_first(warehouse, check)
    return warehouse.change(close)


def reopen_period(
    warehouse: Warehouse, period: BillingPeriod, *, note: str | None = None, void: bool = False
) -> int:
    """Reopen a closed period; its invoice lines stay as they are.

    Args:
        void: void the period's invoice lines, because its invoices were never sent. The next closing then
            freezes the period's charges, and corrections of earlier periods, anew.

    Returns:
        The number of invoice lines that were voided.

    Raises:
        WarehouseError: the period is not closed; or its lines cannot be voided, because the invoices of
            another period that was closed later build on them; or the warehouse cannot be changed.
    """

    def check(connection: duckdb.DuckDBPyConnection) -> None:
        if not closing_of(connection, period):
            raise WarehouseError(
                "the period is not closed", todo="There is nothing to reopen.", period=period.key
            )

    def reopen(connection: duckdb.DuckDBPyConnection) -> int:
        check(connection)
        if void:
            _refuse_later_invoice(connection, period)
        _record(connection, period, "voided" if void else "reopened", note)
        return _void(connection, period) if void else 0

    _check_first(warehouse, check)
    return warehouse.change(reopen)


def _check_first(warehouse: Warehouse, check: Callable[[duckdb.DuckDBPyConnection], None]) -> None:
    """Check before the change, because a change would create a missing warehouse."""
    with warehouse.reading() as connection:
        check(connection)


def _refuse_unpriced_usage(connection: duckdb.DuckDBPyConnection, period: BillingPeriod) -> None:
    if unpriced := _unpriced(connection, period.start):
        number = "1 item has" if len(unpriced) == 1 else f"{len(unpriced):,} items have"
        raise ChargesRefusedError(
            f"{number} no price, so the invoices would be incomplete",
            todo="Add the prices (0 for what is free of charge) and load them with billing-pipeline prices "
            "load, or close the period with --force, which is recorded.",
            period=period.key,
            details=unpriced,
        )


def _refuse_changed_files(connection: duckdb.DuckDBPyConnection, folder: Path, period: BillingPeriod) -> None:
    if changed := changed_files(connection, folder):
        raise ChargesRefusedError(
            f"{' and '.join(changed)} differ{'s' if len(changed) == 1 else ''} from the prices in force",
            todo="Load the price files with billing-pipeline prices load, or close the period with --force, "
            "at the prices in force; this is recorded.",
            period=period.key,
        )


def _freeze(connection: duckdb.DuckDBPyConnection, period: BillingPeriod, *, forced: bool) -> Closing:
    """Freeze the period's charges, and what earlier closed months cost now instead of what was invoiced."""
    (closed_at,) = _fetch_one(connection, "closing_time", billing_period=period.start)
    months = connection.execute(read_sql("charges/queries/closed_months.sql")).fetchall()
    # Month by month, so that memory does not grow with their number.
    for month, is_invoiced in months:
        _refuse_two_currencies(connection, month)
        # Without anything to compare with, that takes a fraction of the time.
        what = "corrections" if is_invoiced else "charges"
        connection.execute(
            read_sql(f"charges/queries/freeze_{what}.sql"),
            {"billing_period": period.start, "month": month, "closed_at": closed_at},
        )
    totals = connection.execute(read_sql("charges/queries/frozen.sql"), {"closed_at": closed_at})
    frozen = tuple(FrozenTotal(**row) for row in rows_as_dicts(totals))
    restated = connection.execute(
        read_sql("charges/queries/restated_months.sql"), {"billing_period": period.start}
    ).fetchall()
    changed = {total.charge_period for total in frozen} | {month for (month,) in restated}
    # Without force, the period itself has no unpriced usage.
    perhaps_unpriced = changed | {period.start} if forced else changed - {period.start}
    unpriced = [item for month in sorted(perhaps_unpriced) for item in _unpriced(connection, month)]
    return Closing(frozen, tuple(unpriced), has_prices(connection))


def _refuse_two_currencies(connection: duckdb.DuckDBPyConnection, month: date) -> None:
    if conflicts := currency_conflicts(connection, month):
        raise ChargesRefusedError(
            "a customer has prices in two currencies, so the period has no charges",
            todo="An invoice has one currency: correct the price files and load them with billing-pipeline "
            "prices load. Nothing was closed.",
            period=BillingPeriod.containing(month).key,
            details=conflicts,
        )


def _unpriced(connection: duckdb.DuckDBPyConnection, month: date) -> list[str]:
    return [printable_line(item) for item in unpriced_items(connection, month)]


def _refuse_later_invoice(connection: duckdb.DuckDBPyConnection, period: BillingPeriod) -> None:
    (later,) = _fetch_one(connection, "later_invoice", billing_period=period.start)
    if later is not None:
        raise WarehouseError(
            f"{later:%Y-%m} was closed later, and its invoices build on the lines of this period",
            todo="Only the invoices of the month that was closed last can be voided. Reopen this period "
            "without --void: its differences are invoiced when it is closed again.",
            period=period.key,
        )


def _void(connection: duckdb.DuckDBPyConnection, period: BillingPeriod) -> int:
    (lines,) = connection.execute(
        read_sql("charges/queries/void.sql"), {"billing_period": period.start, "now": datetime.now(UTC)}
    ).fetchone() or (0,)
    return int(lines)


def invoiced_months(connection: duckdb.DuckDBPyConnection, period: BillingPeriod) -> list[BillingPeriod]:
    """The months whose usage is charged or corrected on the invoices of a period, void lines included."""
    months = connection.execute(
        "SELECT DISTINCT charge_period FROM invoice_line WHERE billing_period = ? ORDER BY ALL",
        [period.start],
    ).fetchall()
    return [BillingPeriod.containing(month) for (month,) in months]


def _fetch_one(connection: duckdb.DuckDBPyConnection, name: str, **parameters: object) -> tuple[Any, ...]:
    return connection.execute(read_sql(f"charges/queries/{name}.sql"), parameters).fetchone() or (None,)


def _record(
    connection: duckdb.DuckDBPyConnection,
    period: BillingPeriod,
    action: Literal["closed", "reopened", "voided"],
    note: str | None,
    *,
    forced: bool = False,
) -> None:
    row = {"action": action, "acted_by": _user(), "note": note and printable_line(note), "forced": forced}
    append(connection, "period_closing", period, [row])


def _user() -> str | None:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return None
