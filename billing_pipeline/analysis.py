"""The warehouse in a notebook: a connection, and tables as pandas frames."""

import warnings
from collections.abc import Callable, Container
from contextlib import closing
from decimal import Decimal
from typing import Any

import duckdb
import pandas as pd

from billing_pipeline.errors import WarehouseError
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.settings import PipelineSettings
from billing_pipeline.sql_files import quote_identifier
from billing_pipeline.warehouse.exporting import stable_order
from billing_pipeline.warehouse.history import require_loaded
from billing_pipeline.warehouses import open_warehouse

# DuckDB gives these to pandas as binary floats.
_EXACT: dict[str, Callable[[str], Any]] = {"DECIMAL": Decimal, "HUGEINT": int}
_PERIOD_COLUMNS = ("billing_period", "charge_period")


def connect() -> duckdb.DuckDBPyConnection:
    """Open the warehouse that the settings name, file or lake, read-only.

    The connection keeps the state of the warehouse that it opened. Close it, and connect again after a load.

    Raises:
        SettingsError: a setting is bad.
        WarehouseError: nothing was loaded yet, or the warehouse cannot be opened.
    """
    return open_warehouse(PipelineSettings.load()).connect()


def read(name: str, *, period: str | None = None) -> pd.DataFrame:
    """A table or view of the warehouse as a frame.

    Args:
        name: such as `billable_usage` or `charge`.
        period: a billing period, YYYY-MM; of charges, the month that is charged. None reads all periods.

    Returns:
        A column for each column, and the rows in the same order each time. Decimals are `Decimal`, in columns
        of type object, in which None is NULL; dates are `datetime64`.

    Raises:
        PeriodError: the period is not YYYY-MM.
        WarehouseError: as `connect`; or there is no such table or view, it has no periods, or the period is
            not loaded.
    """
    with closing(connect()) as connection:
        _require_relation(connection, name)
        kinds = {
            column: kind.partition("(")[0]
            for column, kind, *_ in connection.execute(f"DESCRIBE FROM {name}").fetchall()
        }
        source = name if period is None else _of_period(connection, name, BillingPeriod.parse(period), kinds)
        exact = {column: _EXACT[kind] for column, kind in kinds.items() if kind in _EXACT}
        texts = ", ".join(f"{quote_identifier(column)}::VARCHAR AS {column}" for column in exact)
        replaced = f"REPLACE ({texts})" if texts else ""
        select = f"SELECT * {replaced} FROM {source} ORDER BY {stable_order(name)}"
        cursor = connection.execute(select)
        with warnings.catch_warnings():
            # DuckDB 2.0 calls pandas in a way that pandas 3.1 deprecates.
            warnings.simplefilter("ignore", DeprecationWarning)
            frame = cursor.df()
    for column, number in exact.items():
        values = [None if pd.isna(text) else number(text) for text in frame[column]]
        frame[column] = pd.Series(values, index=frame.index, dtype=object)
    return frame


def _require_relation(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    relations = connection.execute(
        # Tables that hold what is not in the file yet hide those of the same name.
        "SELECT DISTINCT table_name FROM information_schema.tables WHERE table_schema = 'main' ORDER BY ALL"
    )
    names = [found for (found,) in relations.fetchall()]
    if name not in names:
        raise WarehouseError(
            f"the warehouse has no table or view {name}", todo=f"Name one of {', '.join(names)}."
        )


def _of_period(
    connection: duckdb.DuckDBPyConnection, name: str, period: BillingPeriod, columns: Container[str]
) -> str:
    day = f"DATE '{period.start}'"
    # The macros of views read only one month.
    has_macro = connection.execute(
        "FROM duckdb_functions() WHERE function_name = ? AND function_type = 'table_macro'", [f"{name}_in"]
    ).fetchone()
    column = next((known for known in _PERIOD_COLUMNS if known in columns), None)
    if column is None and not has_macro:
        raise WarehouseError(f"{name} has no billing periods", todo="Read it without a period.")
    require_loaded(connection, period)
    return f"{name}_in({day})" if has_macro else f"(FROM {name} WHERE {column} = {day})"
