"""`usage`: the raw report, loaded into the warehouse's table."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import dagster as dg
import duckdb

from billing_pipeline.loading.checks import LoadStoppedError
from billing_pipeline.loading.load import load_period
from billing_pipeline.orchestration.accounts import account_asset
from billing_pipeline.orchestration.failures import as_dagster_failure
from billing_pipeline.orchestration.load_checks import load_check_results, load_check_specs
from billing_pipeline.orchestration.settings import Settings
from billing_pipeline.orchestration.tables import markdown_table
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.reports import MEASURES, ControlTotals
from billing_pipeline.sql_files import read_sql, rows_as_dicts


def _column_schema() -> dg.TableSchema:
    """The table's columns with their comments, from its own definition."""
    definition = read_sql("warehouse/schema/usage.sql")
    comments = dict(re.findall(r"COMMENT ON COLUMN usage\.(\w+) IS '(.*)';", definition))
    columns = re.findall(r"^    (\w+) (\w+(?:\(.+?\))?)", definition, re.MULTILINE)
    return dg.TableSchema(
        [
            dg.TableColumn(
                name=name, type=kind.replace(" ", ""), description=comments[name].replace("''", "'")
            )
            for name, kind in columns
        ]
    )


@account_asset(
    after="raw_report",
    checks=load_check_specs,
    kinds={"duckdb", "table"},
    metadata={"dagster/table_name": "warehouse.main.usage", "dagster/column_schema": _column_schema()},
)
def usage(
    context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]
) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
    """Usage rows, typed and exact; the account's billing period is replaced whole, in one transaction.

    Disaster Recovery compute points are the seconds of `delta`, divided by 3600 and rounded to 2 decimals.
    """
    with as_dagster_failure(context, settings) as (period, account):
        try:
            loaded = load_period(
                settings.pipeline.account_dir(account),
                settings.warehouse,
                period,
                account=account,
                run_id=context.run.run_id,
                cross_check=settings.pipeline.cross_check,
                delta_items=settings.pipeline.delta_items,
                forced=settings.forced,
            )
        except LoadStoppedError as stopped:
            yield from load_check_results(period, stopped.report_id, stopped.checks)
            raise
        with settings.warehouse.reading() as connection:
            (rows_in_table,) = connection.execute("SELECT count(*) FROM usage").fetchone() or (0,)
            shown = _figures(connection, period, account)
        warnings = sum(not check.passed for check in loaded.checks)
        totals = loaded.control_totals or ControlTotals(0, {})
        yield dg.MaterializeResult(
            check_results=list(load_check_results(period, loaded.report_id, loaded.checks)),
            metadata={
                "dagster/row_count": rows_in_table,
                "dagster/partition_row_count": totals.rows,
                **shown,
                "warnings": warnings,
                "report_id": loaded.report_id,
                "stored_report_id": loaded.stored_report_id,
                "waiting_seconds": loaded.wait_seconds or 0.0,
                "load_seconds": loaded.load_seconds or 0.0,
                "restatement": str(loaded.restatement or "first load of the period"),
                "forced": loaded.forced,
                "control_totals": markdown_table(
                    ("sum of", *totals.sums),
                    [(name, *(sums[name] for sums in totals.sums.values())) for name in MEASURES],
                ),
            },
        )


def _figures(connection: duckdb.DuckDBPyConnection, period: BillingPeriod, account: str) -> dict[str, Any]:
    """Metadata: what is billed in the month, and for whom most."""
    month = {"billing_period": period.start, "account": account}
    totals = rows_as_dicts(connection.execute(read_sql("warehouse/queries/month_figures.sql"), month))
    preview = connection.execute(read_sql("warehouse/queries/preview.sql"), month)
    return {
        # Floats, because Dagster plots nothing else; the exact figures are in the table month_totals.
        **{
            name: float(value) if isinstance(value, Decimal) else value
            for row in totals
            for name, value in row.items()
        },
        "largest_tenants": markdown_table([name for name, *_ in preview.description], preview.fetchall()),
    }
