"""The Dagster code location: collects assets, checks, job, schedule and resources; holds no logic."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from billing_pipeline.assets import ALL_ASSETS
from billing_pipeline.assets.resources import AcronisAccount, DataFolder, ProgressReporter

monthly_usage = dg.define_asset_job(
    "monthly_usage",
    selection=dg.AssetSelection.assets(*ALL_ASSETS),
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


def build_defs(**resources: object) -> dg.Definitions:
    """The definitions, with some resources replaced.

    Args:
        resources: by name, what to use instead of the live resource.
    """
    live: Mapping[str, Any] = {
        "account": AcronisAccount(),
        "data": DataFolder(),
        "progress": ProgressReporter(),
    }
    return dg.Definitions(
        assets=ALL_ASSETS,
        jobs=[monthly_usage],
        schedules=[monthly_usage_schedule],
        resources={**live, **resources},
        # A process for each step costs seconds, and the steps share nothing but files.
        executor=dg.in_process_executor,
    )


defs = build_defs()
