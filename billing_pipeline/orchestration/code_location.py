"""Dagster's definitions: collects assets, checks, jobs, schedules and resources; holds no logic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dagster as dg

from billing_pipeline.errors import SettingsError
from billing_pipeline.orchestration.assets import ASSETS
from billing_pipeline.orchestration.assets.month import month_assets
from billing_pipeline.orchestration.assets.prices import prices
from billing_pipeline.orchestration.failure_sensor import failure_sensor
from billing_pipeline.orchestration.freshness_check import freshness_check
from billing_pipeline.orchestration.jobs import (
    freshness_schedule,
    monthly_usage_job,
    monthly_usage_schedule,
)
from billing_pipeline.orchestration.month_report import MonthReports
from billing_pipeline.orchestration.resources import (
    acronis_reports_resource,
    settings_resource,
)
from billing_pipeline.orchestration.settings import Settings
from billing_pipeline.periods import SINGLE_ACCOUNT, BillingPeriod


def build_defs(settings: Settings | None = None, **resources: object) -> dg.Definitions:
    """The definitions for some settings, with some resources replaced.

    Args:
        settings: default: those of the environment.
        resources: by name (`settings`, `reports`, `month_reports`), what to use instead of the live resource.
    """
    settings = settings or Settings()
    accounts, first_period = _structure(settings)
    # No `end_offset`: the current month is no partition, so neither a person nor the schedule can load it.
    periods = dg.MonthlyPartitionsDefinition(start_date=first_period.key, fmt="%Y-%m", timezone="UTC")
    live: dict[str, Any] = {
        "settings": settings_resource(settings),
        "reports": acronis_reports_resource(settings),
        "month_reports": MonthReports(settings),
    }
    return dg.Definitions(
        assets=[
            *(make_asset(account, periods) for account in accounts for make_asset in ASSETS.values()),
            prices,
            month_assets(accounts, periods),
        ],
        asset_checks=[freshness_check(account) for account in accounts],
        jobs=[monthly_usage_job(accounts)],
        sensors=[failure_sensor(settings)],
        schedules=[monthly_usage_schedule(accounts, first_period), freshness_schedule(accounts)],
        resources={**live, **resources},
        # A process for each step costs seconds, and the steps share nothing but files.
        executor=dg.in_process_executor,
    )


def _structure(settings: Settings) -> tuple[Sequence[str], BillingPeriod]:
    """The accounts and the first period. A bad setting leaves the code location healthy: runs report it."""
    try:
        return settings.pipeline.accounts, settings.pipeline.first_period
    except SettingsError:
        return (SINGLE_ACCOUNT,), BillingPeriod(2024, 1)
