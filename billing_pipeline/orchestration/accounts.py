"""The four assets of each account; a named account's assets have its name as key prefix."""

from collections.abc import Callable
from typing import Any

import dagster as dg

from billing_pipeline.errors import escaped
from billing_pipeline.ordering import ProgressCallback
from billing_pipeline.periods import SINGLE_ACCOUNT, AccountPeriod, BillingPeriod

REPORT_POOL = "acronis_reports"
"""Dagster's pool of runs with a report at Acronis: the run queue starts no more than its limit."""

GROUP = "billing"
"""Dagster's group of all assets; with several accounts, each account's own assets have a group of theirs."""

AssetFactory = Callable[[str, dg.PartitionsDefinition], dg.AssetsDefinition]
"""Makes an account's asset from the account's name and the billing periods."""


def account_asset_key(account: str, name: str) -> dg.AssetKey:
    """The key of an account's asset: `usage`, or `eu/usage`."""
    return dg.AssetKey([name] if account == SINGLE_ACCOUNT else [account, name])


def account_period(context: dg.AssetExecutionContext) -> AccountPeriod:
    """The account whose asset is being materialised, and the billing period of the partition."""
    *prefix, _ = context.assets_def.key.path
    return AccountPeriod(BillingPeriod.parse(context.partition_key), prefix[0] if prefix else SINGLE_ACCOUNT)


def log_progress(context: dg.AssetExecutionContext) -> ProgressCallback:
    """A callback that writes progress to the run's log."""
    return lambda progress: context.log.log(progress.level, escaped(str(progress)))


def account_asset(
    *,
    after: str | None = None,
    checks: Callable[[dg.AssetKey, dg.PartitionsDefinition], list[dg.AssetCheckSpec]] | None = None,
    **options: Any,
) -> Callable[[Callable[..., Any]], AssetFactory]:
    """Declare a function as an asset of every account, partitioned by billing period.

    Args:
        after: name of the asset that it depends on.
        checks: makes the specs of its checks from its key and the billing periods.
        options: of `dagster.asset`.
    """

    def decorate(function: Callable[..., Any]) -> AssetFactory:
        def make(account: str, periods: dg.PartitionsDefinition) -> dg.AssetsDefinition:
            key = account_asset_key(account, function.__name__)
            made: dg.AssetsDefinition = dg.asset(
                key=key,
                deps=[account_asset_key(account, after)] if after else None,
                check_specs=checks(key, periods) if checks else None,
                group_name=GROUP if account == SINGLE_ACCOUNT else f"{GROUP}_{account}",
                partitions_def=periods,
                owners=["team:billing"],
                code_version="1",
                **options,
            )(function)
            return made

        return make

    return decorate
