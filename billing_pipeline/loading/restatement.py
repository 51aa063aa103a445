"""`usage_restatement`: what differs when a period is loaded again."""

from __future__ import annotations

from datetime import datetime

import duckdb

from billing_pipeline.loading.row_digest import compared_columns, digest, hashed
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.sql_files import read_sql
from billing_pipeline.warehouse.history import Restatement
from billing_pipeline.warehouse.warehouse import PUBLISHED


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
    before = connection.execute(read_sql("loading/queries/report_before.sql"), loaded).fetchone()
    if before is None:
        return None
    columns = compared_columns(connection)
    rows = "FROM {} WHERE billing_period = $billing_period AND account = $account"
    published, current = (
        digest(connection, columns, rows.format(table), loaded) for table in (f"{PUBLISHED}.usage", "usage")
    )
    parameters = loaded | {"restated_at": restated_at}
    if published != current:
        statement = read_sql("loading/queries/record_restatement.sql").format(
            digested=hashed(columns),
            as_text=", ".join(f"{column.name} := {column.name}::VARCHAR" for column in columns),
        )
        reports = {"report_id_before": before[0], "report_id_after": report_id}
        connection.execute(statement, parameters | reports)
    counts = connection.execute(read_sql("loading/queries/restatement_counts.sql"), parameters).fetchall()
    return Restatement(**dict(counts))
