"""The assets of a month that all accounts share: the views of its usage, its charges and its page."""

from collections.abc import Iterable
from typing import Any

import dagster as dg

from billing_pipeline.orchestration.accounts import GROUP
from billing_pipeline.orchestration.assets.prices import PRICES
from billing_pipeline.sql_files import opening_comment, read_sql
from billing_pipeline.warehouse.schema import VIEW_FILES

BILLABLE_USAGE = dg.AssetKey("billable_usage")
SKU_TOTALS = dg.AssetKey("sku_totals")
CHARGES = dg.AssetKey("charges")
MONTH_REPORT = dg.AssetKey("month_report")
# A part of each account's run: all are computed anew from what is loaded, so those of the run that loads a
# month's last account are complete, in whatever order and process the runs are.
SHARED_ASSETS = (PRICES, BILLABLE_USAGE, SKU_TOTALS, CHARGES, MONTH_REPORT)
"""The keys of the assets that all accounts share."""


def month_specs(usage: Iterable[dg.AssetKey]) -> list[dg.AssetSpec]:
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
