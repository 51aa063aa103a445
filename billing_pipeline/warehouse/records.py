"""Append-only tables: a period's last row is its current state, such as the last load or closing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import duckdb

from billing_pipeline.periods import BillingPeriod
from billing_pipeline.sql_files import read_sql

_TIMES = {"load_history": "recorded_at", "load_checks": "checked_at", "period_closing": "acted_at"}


def append(
    connection: duckdb.DuckDBPyConnection,
    table: Literal["load_history", "load_checks", "period_closing"],
    period: BillingPeriod,
    rows: Sequence[Mapping[str, Any]],
) -> None:
    """Append rows of one period inside `Warehouse.change`, all with the same time.

    Args:
        rows: values by column; without the period and the time.
    """
    if rows:
        connection.execute(
            read_sql("warehouse/queries/append.sql").format(table=table, time=_TIMES[table]),
            {"rows": rows, "billing_period": period.start, "now": datetime.now(UTC)},
        )
