"""`usage`: the raw report as rows of the warehouse's table."""

from collections.abc import Iterator

import duckdb
from dagster import (
    AssetCheckResult,
    AssetExecutionContext,
    MaterializeResult,
    MetadataValue,
    TableColumn,
    TableSchema,
)

from billing_pipeline.assets.accounts import account_asset, account_period
from billing_pipeline.assets.closing import is_forced
from billing_pipeline.assets.failures import one_clear_failure
from billing_pipeline.assets.month_report import month_report_link
from billing_pipeline.assets.resources import DataFolder
from billing_pipeline.assets.tables import markdown_table
from billing_pipeline.checks.load import load_check_results, load_check_specs
from billing_pipeline.control_totals import MEASURES
from billing_pipeline.loading import load_period
from billing_pipeline.settings import PipelineSettings
from billing_pipeline.warehouse import LoadStoppedError
from billing_pipeline.warehouse.sql_files import sql


def _column_schema() -> TableSchema:
    """The table's columns with their comments, from its own definition."""
    with duckdb.connect(":memory:") as connection:
        connection.execute(sql("usage.sql"))
        columns = connection.execute(sql("columns.sql"), {"table": "usage"}).fetchall()
    return TableSchema(
        [TableColumn(name=name, type=kind, description=comment) for name, kind, comment in columns]
    )


@account_asset(
    after="raw_report",
    checks=load_check_specs,
    kinds={"duckdb", "table"},
    metadata={"dagster/table_name": "warehouse.main.usage", "dagster/column_schema": _column_schema()},
)
def usage(
    context: AssetExecutionContext, data: DataFolder
) -> Iterator[AssetCheckResult | MaterializeResult[None]]:
    """Usage rows, typed and exact; the account's billing period is replaced whole, in one transaction.

    Disaster Recovery compute points are the seconds of `delta`, divided by 3600 and rounded to 2 decimals.
    """
    subject = account_period(context)
    period, account = subject
    with one_clear_failure(context, data, subject):
        try:
            loaded = load_period(
                data.of(account),
                data.warehouse,
                period,
                account=account,
                run_id=context.run.run_id,
                cross_check=PipelineSettings.load().cross_check,
                forced=is_forced(context),
            )
        except LoadStoppedError as stopped:
            yield from load_check_results(period, stopped.report_id, stopped.checks)
            raise
        with data.warehouse.reading() as connection:
            (rows_in_table,) = connection.execute("SELECT count(*) FROM usage").fetchone() or (0,)
            preview = connection.execute(
                sql("preview.sql"), {"billing_period": period.start, "account": account}
            )
            shown = markdown_table([name for name, *_ in preview.description or ()], preview.fetchall())
        totals = loaded.control_totals
        yield MaterializeResult(
            check_results=list(load_check_results(period, loaded.report_id, loaded.checks)),
            metadata={
                "dagster/row_count": rows_in_table,
                "dagster/partition_row_count": totals.rows if totals else 0,
                "report_id": loaded.report_id,
                "stored_report_id": loaded.stored_report_id,
                "waiting_seconds": float(loaded.wait_seconds or 0),
                "load_seconds": float(loaded.load_seconds or 0),
                "restatement": str(loaded.restatement or "first load of the period"),
                "forced": loaded.forced,
                **month_report_link(context, data, period),
                "control_totals": MetadataValue.md(
                    markdown_table(
                        ("sum of", *(totals.sums if totals else ())),
                        [(name, *(sums[name] for sums in totals.sums.values())) for name in MEASURES]
                        if totals
                        else [],
                    )
                ),
                "preview": MetadataValue.md(shown),
            },
        )
