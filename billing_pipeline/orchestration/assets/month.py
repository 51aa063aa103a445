"""The assets of a month that all accounts share: the views of its usage, its charges and its page."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
import duckdb

from billing_pipeline.charges.checks import CHECKS, NO_PRICES, description, run_checks
from billing_pipeline.charges.price_state import has_prices
from billing_pipeline.errors import BillingPipelineError
from billing_pipeline.orchestration.accounts import GROUP, account_asset_key
from billing_pipeline.orchestration.assets.prices import PRICES
from billing_pipeline.orchestration.failures import failure_from
from billing_pipeline.orchestration.load_checks import asset_check_result, period_check_specs
from billing_pipeline.orchestration.month_report import MonthReports
from billing_pipeline.orchestration.settings import Settings
from billing_pipeline.orchestration.tables import markdown_table
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.sql_files import opening_comment, read_sql, rows_as_dicts
from billing_pipeline.warehouse.check_results import CheckResult
from billing_pipeline.warehouse.schema import VIEW_FILES

BILLABLE_USAGE = dg.AssetKey("billable_usage")
SKU_TOTALS = dg.AssetKey("sku_totals")
CHARGES = dg.AssetKey("charges")
MONTH_REPORT = dg.AssetKey("month_report")
# A part of each account's run: all are computed anew from what is loaded, so those of the run that loads a
# month's last account are complete, in whatever order and process the runs are.
SHARED_ASSETS = (PRICES, BILLABLE_USAGE, SKU_TOTALS, CHARGES, MONTH_REPORT)
"""The keys of the assets that all accounts share."""


def charge_check_specs(periods: dg.PartitionsDefinition | None = None) -> list[dg.AssetCheckSpec]:
    """Every check of a month's charges."""
    return period_check_specs(CHARGES, {name: description(name) for name in CHECKS}, periods)


def month_assets(accounts: Iterable[str], periods: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """The assets of a month that all accounts share."""

    @dg.multi_asset(
        specs=_specs(account_asset_key(account, "usage") for account in accounts),
        check_specs=charge_check_specs(periods),
        partitions_def=periods,
    )
    def month(
        context: dg.AssetExecutionContext,
        settings: dg.ResourceParam[Settings],
        month_reports: dg.ResourceParam[MonthReports],
    ) -> Iterator[dg.MaterializeResult[None]]:
        period = BillingPeriod.parse(context.partition_key)
        try:
            with settings.warehouse.reading() as connection:
                results = run_checks(connection, period)
                priced = has_prices(connection)
                shown = _charged(connection, period, results) if priced else {"charges": NO_PRICES}
        except BillingPipelineError as error:
            raise failure_from(error.about(period=period.key)) from None
        for view in (BILLABLE_USAGE, SKU_TOTALS):
            yield dg.MaterializeResult(asset_key=view)
        yield dg.MaterializeResult(
            asset_key=CHARGES,
            check_results=[
                asset_check_result(result, "lines", billing_period=period.key) for result in results
            ],
            metadata=shown,
        )
        if page := month_reports.after_change(period):
            yield dg.MaterializeResult(asset_key=MONTH_REPORT, metadata={"path": dg.MetadataValue.path(page)})

    return month


def _charged(
    connection: duckdb.DuckDBPyConnection, period: BillingPeriod, results: Iterable[CheckResult]
) -> dict[str, Any]:
    """Metadata; whatever is a number is drawn in Dagster's plots."""
    months = {"month": period.start}
    totals = rows_as_dicts(connection.execute(read_sql("charges/queries/charge_totals.sql"), months))
    top = rows_as_dicts(connection.execute(read_sql("charges/queries/top_customers.sql"), months))
    accounts = connection.execute(
        "SELECT DISTINCT account FROM loaded_report WHERE billing_period = $month ORDER BY ALL", months
    ).fetchall()
    return {
        "accounts": ", ".join(account for (account,) in accounts),
        "lines": sum(total["lines"] for total in totals),
        "unpriced_lines": sum(each.finding_rows for each in results if each.check_name == "unpriced_usage"),
        # Floats, because Dagster plots nothing else; the exact amounts are in the table.
        **{
            f"{shown}_{total['currency']}": float(total[name])
            for total in totals
            for shown, name in (("revenue", "amount"), ("cost", "cost"), ("margin", "margin"))
            if total[name] is not None
        },
        **_table("totals", totals),
        **_table("top_customers", top),
    }


def _table(name: str, rows: Sequence[Mapping[str, object]]) -> dict[str, dg.MarkdownMetadataValue]:
    return {name: markdown_table(list(rows[0]), [list(row.values()) for row in rows])} if rows else {}


def _specs(usage: Iterable[dg.AssetKey]) -> list[dg.AssetSpec]:
    """The shared assets of a month. One step materialises them, because nothing is written but the page.

    Args:
        usage: the keys of all accounts' usage.
    """
    return [
        _view(BILLABLE_USAGE, "billable_usage", usage),
        _view(SKU_TOTALS, "sku_totals", [BILLABLE_USAGE]),
        _view(
            CHARGES,
            "charge",
            [PRICES, BILLABLE_USAGE],
            "\n\nComputed from all accounts that are loaded, at the prices in force. Closing the month "
            "(`billing-pipeline close`) freezes it as invoice lines.",
        ),
        _spec(
            MONTH_REPORT,
            [SKU_TOTALS, CHARGES],
            description="The page of a month, for the browser.",
            kinds={"html"},
            # A command that loads several accounts writes it once, after the last one.
            skippable=True,
        ),
    ]


def _view(key: dg.AssetKey, view: str, deps: Iterable[dg.AssetKey], more: str = "") -> dg.AssetSpec:
    return _spec(
        key,
        deps,
        description=opening_comment(read_sql(VIEW_FILES[view])) + more,
        kinds={"duckdb", "view"},
        metadata={"dagster/table_name": f"warehouse.main.{view}"},
    )


def _spec(key: dg.AssetKey, deps: Iterable[dg.AssetKey], **options: Any) -> dg.AssetSpec:
    return dg.AssetSpec(
        key, deps=deps, group_name=GROUP, owners=["team:billing"], code_version="1", **options
    )
