"""The Dagster code location: collects assets, checks, job, schedule and resources; holds no logic."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from billing_pipeline.assets import ALL_ASSETS
from billing_pipeline.assets.limits import Limits
from billing_pipeline.assets.resources import AcronisAccount, DataFolder, ProgressReporter
from billing_pipeline.checks import freshness
from billing_pipeline.warehouse.freshness import DUE_DAY, DUE_HOUR

monthly_usage = dg.define_asset_job(
    "monthly_usage",
    selection=dg.AssetSelection.assets(*ALL_ASSETS) - dg.AssetSelection.checks(freshness),
    description="Requests, awaits, downloads and loads one month of usage.",
    # The steps retry what a retry can help; a whole run repeated would only repeat their refusals.
    tags={"dagster/retry_on_asset_or_op_failure": "false"},
)

# After 06:00, because Acronis' usage history of the night is not ready before; on day 2, because the
# first day's night closes the month.
monthly_usage_schedule = dg.build_schedule_from_partitioned_job(
    monthly_usage,
    name="monthly_usage_schedule",
    description="On day 2 of every month at 07:00 UTC, for the month that has closed.",
    day_of_month=2,
    hour_of_day=7,
    minute_of_hour=0,
)

freshness_job = dg.define_asset_job(
    "freshness",
    selection=dg.AssetSelection.checks(freshness),
    description="Looks whether every closed month is loaded.",
)

freshness_schedule = dg.ScheduleDefinition(
    name="freshness_schedule",
    job=freshness_job,
    cron_schedule=f"0 {DUE_HOUR} {DUE_DAY} * *",
    execution_timezone="UTC",
    description="On day 3 of every month at 07:00 UTC, when the month that has closed should be loaded.",
)


def build_defs(**resources: object) -> dg.Definitions:
    """The definitions, with some resources replaced.

    Args:
        resources: by name, what to use instead of the live resource.
    """
    live: Mapping[str, Any] = {
        "account": AcronisAccount(),
        "data": DataFolder(),
        "limits": Limits(),
        "progress": ProgressReporter(),
    }
    return dg.Definitions(
        assets=ALL_ASSETS,
        asset_checks=[freshness],
        jobs=[monthly_usage, freshness_job],
        schedules=[monthly_usage_schedule, freshness_schedule],
        resources={**live, **resources},
        # A process for each step costs seconds, and the steps share nothing but files.
        executor=dg.in_process_executor,
    )


defs = build_defs()
