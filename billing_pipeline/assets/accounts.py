"""Each account has the same four assets; those of an account with a name have that name as their prefix."""

from collections.abc import Callable
from typing import Any

from dagster import AssetCheckSpec, AssetExecutionContext, AssetKey, AssetsDefinition, asset

from billing_pipeline.account_periods import SINGLE_ACCOUNT, AccountPeriod
from billing_pipeline.assets.partitions import billing_periods
from billing_pipeline.errors import SettingsError
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.settings import PipelineSettings

_GROUP = "acronis_usage"

AssetOfAccount = Callable[[str], AssetsDefinition]
"""Makes an account's asset from the account's name."""


def configured_accounts() -> tuple[str, ...]:
    """The accounts that the settings name."""
    # A bad setting must not take the whole code location down: the runs name it, one clear line each.
    try:
        return PipelineSettings.load().accounts
    except SettingsError:
        return (SINGLE_ACCOUNT,)


def account_asset_key(account: str, name: str) -> AssetKey:
    """The key of an account's asset: `usage`, or `eu/usage`."""
    return AssetKey([name] if account == SINGLE_ACCOUNT else [account, name])


def account_period(context: AssetExecutionContext) -> AccountPeriod:
    """The account whose asset is being materialised, and the billing period of the partition."""
    *prefix, _ = context.assets_def.key.path
    return AccountPeriod(BillingPeriod.parse(context.partition_key), prefix[0] if prefix else SINGLE_ACCOUNT)


def account_asset(
    *,
    after: str | None = None,
    checks: Callable[[AssetKey], list[AssetCheckSpec]] | None = None,
    **declared: Any,
) -> Callable[[Callable[..., Any]], AssetOfAccount]:
    """Declare a function as an asset of every account, partitioned by billing period.

    Args:
        after: name of the asset that it follows from.
        checks: makes the specs of its checks from its key.
        declared: as for `dagster.asset`.
    """

    def declare(function: Callable[..., Any]) -> AssetOfAccount:
        def of(account: str) -> AssetsDefinition:
            key = account_asset_key(account, function.__name__)
            made: AssetsDefinition = asset(
                key=key,
                deps=[account_asset_key(account, after)] if after else None,
                check_specs=checks(key) if checks else None,
                group_name=_GROUP if account == SINGLE_ACCOUNT else f"{_GROUP}_{account}",
                partitions_def=billing_periods,
                owners=["team:billing"],
                code_version="1",
                **declared,
            )(function)
            return made

        return of

    return declare
