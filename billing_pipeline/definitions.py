"""The Dagster code location: collects assets, checks, jobs, schedules and resources; holds no logic."""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from billing_pipeline.assets import ASSETS
from billing_pipeline.assets.accounts import configured_accounts
from billing_pipeline.assets.limits import Limits
from billing_pipeline.assets.resources import AcronisAccounts, DataFolder, ProgressReporter
from billing_pipeline.checks import freshness_check
from billing_pipeline.jobs import (
    freshness_job,
    freshness_schedule,
    monthly_usage_job,
    monthly_usage_schedule,
)


def build_defs(accounts: Sequence[str] | None = None, **resources: object) -> dg.Definitions:
    """The definitions, with some resources replaced.

    Args:
        accounts: names; default: those of the settings.
        resources: by name, what to use instead of the live resource.
    """
    accounts = configured_accounts() if accounts is None else accounts
    live: Mapping[str, Any] = {
        "accounts": AcronisAccounts(),
        "data": DataFolder(),
        "limits": Limits(),
        "progress": ProgressReporter(),
    }
    return dg.Definitions(
        assets=[asset(account) for account in accounts for asset in ASSETS],
        asset_checks=[freshness_check(account) for account in accounts],
        jobs=[monthly_usage_job(accounts), freshness_job(accounts)],
        schedules=[monthly_usage_schedule(accounts), freshness_schedule()],
        resources={**live, **resources},
        # A process for each step costs seconds, and the steps share nothing but files.
        executor=dg.in_process_executor,
    )


defs = build_defs()
