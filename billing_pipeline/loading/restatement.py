"""`usage_restatement`: the differences when a period is loaded again."""

from datetime import datetime

import duckdb

from billing_pipeline.loading.cross_check import compared_columns, digest, hashed
from billing_pipeline.sql_files import read_sql
from billing_pipeline.warehouse.history import LoadAttempt, Restatement
from billing_pipeline.warehouse.warehouse import PUBLISHED


def record_restatement(
    connection: duckdb.DuckDBPyConnection, attempt: LoadAttempt, restated_at: datetime
) -> Restatement | None:
    """Record the differences between the published period and the one in the working copy.

    Args:
        connection: inside `Warehouse.change`, after the account's rows of the period were replaced.

    Returns:
        How much differs; None if the period had never been loaded for the account.
    """
    before = connection.execute(read_sql("loading/queries/report_before.sql"), attempt.scope).fetchone()
    if before is None:
        return None
    columns = compared_columns(connection)
    compared = [*columns, "unknown_scalars(extra)"]
    rows = "FROM {} WHERE billing_period = $billing_period AND account = $account"
    published, current = (
        digest(connection, compared, rows.format(table), attempt.scope)
        for table in (f"{PUBLISHED}.usage", "usage")
    )
    parameters = attempt.scope | {"restated_at": restated_at}
    if published != current:
        statement = read_sql("loading/queries/record_restatement.sql").format(
            hashed=hashed(compared), as_text=", ".join(f"{name} := {name}::VARCHAR" for name in columns)
        )
        reports = {"report_id_before": before[0], "report_id_after": attempt.report_id}
        connection.execute(statement, parameters | reports)
    counts = connection.execute(read_sql("loading/queries/restatement_counts.sql"), parameters).fetchall()
    return Restatement(**dict(counts))
