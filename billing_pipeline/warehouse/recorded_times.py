"""Times by which the rows of a period are put in order: each later than those before, whatever the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

import duckdb

from billing_pipeline.periods import BillingPeriod

_COLUMNS = {"load_history": "recorded_at", "load_checks": "checked_at", "period_closing": "acted_at"}


def next_time(
    connection: duckdb.DuckDBPyConnection,
    table: Literal["load_history", "load_checks", "period_closing"],
    period: BillingPeriod,
) -> datetime:
    """Now; or, after the clock was set back, a microsecond after the table's last row of the period.

    What counts for a period is its last row, such as the last closing or the last load.
    """
    (last,) = connection.execute(
        f"SELECT max({_COLUMNS[table]}) FROM {table} WHERE billing_period = $billing_period",
        {"billing_period": period.start},
    ).fetchone() or (None,)
    now = datetime.now(UTC)
    return now if last is None else max(now, last.astimezone(UTC) + timedelta(microseconds=1))
