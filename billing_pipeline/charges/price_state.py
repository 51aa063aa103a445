"""Which prices are loaded, and what that leaves to be done."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb

from billing_pipeline.charges.price_files import hash_price_files
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.sql_files import read_sql, rows_as_dicts
from billing_pipeline.warehouse.warehouse import Warehouse


@dataclass(frozen=True, slots=True)
class LoadedFile:
    """A price file of the last load that was not refused."""

    file: str
    sha256: str
    row_count: int
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class CorrectionDue:
    """What the next closing corrects of a closed month, in one currency.

    Args:
        lines: number of reversals and recharges.
        amount: their sum.
    """

    charge_period: date
    currency: str
    lines: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class PriceState:
    """The loaded prices, and what they leave to be done.

    Args:
        loaded_at: when the prices were loaded.
        latest: the latest month that is loaded; None if none is.
        unpriced: its usage without a price, one line for each item.
        changed_files: names of the price files that differ from those in force.
        corrections: what closed months still owe or are owed.
    """

    loaded_at: datetime
    latest: BillingPeriod | None
    unpriced: tuple[str, ...]
    corrections: tuple[CorrectionDue, ...]
    changed_files: tuple[str, ...]


def has_prices(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether anything that customers pay is loaded."""
    try:
        return connection.execute("FROM price WHERE side = 'sell' LIMIT 1").fetchone() is not None
    except duckdb.CatalogException:  # the warehouse was published before it had prices
        return False


def loaded_files(connection: duckdb.DuckDBPyConnection) -> list[LoadedFile]:
    """The price files whose prices are in force; none if no prices are loaded."""
    return last_load(connection) if has_prices(connection) else []


def last_load(connection: duckdb.DuckDBPyConnection) -> list[LoadedFile]:
    """The price files of the last load, even if they have no prices."""
    try:
        rows = rows_as_dicts(connection.execute(read_sql("charges/queries/loaded_files.sql")))
    except duckdb.CatalogException:  # the warehouse was published before it had prices
        return []
    return [LoadedFile(**row) for row in rows]


def changed_files(connection: duckdb.DuckDBPyConnection, folder: Path) -> list[str]:
    """The price files of a folder that differ from those in force; none if it has no sell.csv."""
    there = hash_price_files(folder)
    in_force = {file.file: file.sha256 for file in last_load(connection)}
    if "sell.csv" not in there:
        return []
    return sorted(name for name in {*there, *in_force} if there.get(name) != in_force.get(name))


def price_state(warehouse: Warehouse, folder: Path) -> PriceState | None:
    """The state of the prices; None if none are loaded.

    Args:
        folder: the price files, which are compared with those in force.

    Raises:
        WarehouseError: the warehouse cannot be read.
    """
    if not warehouse.exists():
        return None
    with warehouse.reading() as connection:
        if not (files := loaded_files(connection)):
            return None
        (latest,) = connection.execute("SELECT max(billing_period) FROM loaded_report").fetchone() or (None,)
        closed = connection.execute("SELECT billing_period FROM closed_period ORDER BY ALL").fetchall()
        return PriceState(
            files[0].recorded_at,
            latest and BillingPeriod.containing(latest),
            unpriced_items(connection, latest) if latest else (),
            corrections_due(connection, (month for (month,) in closed)),
            tuple(changed_files(connection, folder)),
        )


def corrections_due(
    connection: duckdb.DuckDBPyConnection, months: Iterable[date]
) -> tuple[CorrectionDue, ...]:
    """What closed months still owe or are owed, one entry for each month and currency."""
    # Month by month, so that memory does not grow with their number.
    statement = read_sql("charges/queries/corrections.sql")
    return tuple(
        CorrectionDue(**row)
        for month in months
        for row in rows_as_dicts(connection.execute(statement, {"month": month}))
    )


def currency_conflicts(connection: duckdb.DuckDBPyConnection, month: date) -> list[str]:
    """The customers with prices in two currencies in a month, one line each."""
    (currencies,) = connection.execute(
        "SELECT count(DISTINCT currency) FROM price WHERE side = 'sell'"
    ).fetchone() or (0,)
    if currencies < 2:  # spares charging the month
        return []
    conflicts = connection.execute(read_sql("charges/checks/one_currency.sql"), {"month": month}).fetchall()
    return [conflict for conflict, _ in conflicts]


def unpriced_items(connection: duckdb.DuckDBPyConnection, month: date) -> tuple[str, ...]:
    """Usage of a month without a price, one line for each item."""
    rows = connection.execute(read_sql("charges/checks/unpriced_usage.sql"), {"month": month}).fetchall()
    return tuple(item for item, _ in rows)
