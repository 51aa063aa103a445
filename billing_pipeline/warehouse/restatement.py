"""`usage_restatement`: what differs when a period is loaded again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import duckdb

from billing_pipeline.periods import BillingPeriod
from billing_pipeline.sql_files import read_sql


@dataclass(frozen=True, slots=True)
class Restatement:
    """How many keys of a period differ from what was published before."""

    changed: int = 0
    new: int = 0
    vanished: int = 0

    @property
    def keys(self) -> int:
        """All of them."""
        return self.changed + self.new + self.vanished

    def __str__(self) -> str:
        return f"{self.changed:,} changed, {self.new:,} new, {self.vanished:,} vanished"


def record_restatement(
    connection: duckdb.DuckDBPyConnection,
    period: BillingPeriod,
    account: str,
    *,
    report_id: str | None,
    restated_at: datetime,
) -> Restatement | None:
    """Keep the difference between the published period and the one in the working copy.

    Args:
        connection: inside `Warehouse.change`, after the period's rows were replaced.
        report_id: of the report that they came from.

    Returns:
        How much differs; None if the period had never been loaded for the account.
    """
    loaded = {"billing_period": period.start, "account": account}
    before = connection.execute(
        "SELECT report_id::VARCHAR FROM loaded_report"
        " WHERE billing_period = $billing_period AND account = $account",
        loaded,
    ).fetchone()
    if before is None:
        return None
    parameters = loaded | {"restated_at": restated_at}
    (same,) = connection.execute(read_sql("warehouse/same_as_published.sql"), loaded).fetchone() or (False,)
    if not same:
        connection.execute(
            read_sql("warehouse/record_restatement.sql"),
            parameters | {"report_id_before": before[0], "report_id_after": report_id},
        )
    counts = dict(connection.execute(read_sql("warehouse/restatement_counts.sql"), parameters).fetchall())
    return Restatement(**counts)
