"""Dagster's definitions: collects assets, checks, jobs and schedules, with the resources that they use."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from typing import Any

import dagster as dg

from billing_pipeline.errors import BillingPipelineError, SettingsError
from billing_pipeline.files import restrict_new_files
from billing_pipeline.orchestration.assets import ASSETS
from billing_pipeline.orchestration.assets.month import month_assets
from billing_pipeline.orchestration.assets.prices import prices
from billing_pipeline.orchestration.freshness_check import freshness_check
from billing_pipeline.orchestration.jobs import (
    failure_sensor,
    freshness_schedule,
    monthly_usage_job,
    monthly_usage_schedule,
)
from billing_pipeline.orchestration.month_report import MonthReports
from billing_pipeline.orchestration.orphaned_runs import run_lock
from billing_pipeline.orchestration.reports import AcronisReports
from billing_pipeline.orchestration.settings import Settings
from billing_pipeline.settings import PipelineSettings


def build_defs(settings: Settings | None = None, **resources: object) -> dg.Definitions:
    """The definitions for some settings, with some resources replaced.

    Args:
        settings: default: those of the environment.
        resources: by name (`settings`, `reports`, `month_reports`), what to use instead of the live resource.
    """
    settings = settings or Settings()
    try:
        pipeline = settings.pipeline
    except SettingsError:
        # A bad setting leaves the code location healthy: runs report it.
        pipeline = PipelineSettings.model_construct()
    accounts, first_period = pipeline.accounts, pipeline.first_period
    # No `end_offset`: the current month is no partition, so neither a person nor the schedule can load it.
    periods = dg.MonthlyPartitionsDefinition(start_date=first_period.key, fmt="%Y-%m", timezone="UTC")
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
        resources={**_live_resources(settings), **resources},
        # A process for each step costs seconds, and the steps share nothing but files.
        executor=dg.in_process_executor,
    )


def _live_resources(settings: Settings) -> dict[str, Any]:
    @dg.resource
    def locked_settings(context: dg.InitResourceContext) -> Iterator[Settings]:
        """The settings; the run's lock is held for as long as the run uses them."""
        with ExitStack() as locks:
            # A data folder that cannot be used is reported by the step that needs it, in one line.
            with suppress(BillingPipelineError):
                locks.callback(os.umask, restrict_new_files(settings.pipeline.data_dir))
                if context.run is not None:
                    locks.enter_context(run_lock(settings.pipeline, context.run.run_id))
            yield settings

    @dg.resource
    def acronis_reports(_: dg.InitResourceContext) -> Iterator[AcronisReports]:
        """Reports from the API; the run's end frees the slot of a report that is still open."""
        with closing(AcronisReports(settings)) as reports:
            yield reports

    return {
        "settings": locked_settings,
        "reports": acronis_reports,
        "month_reports": MonthReports(settings),
    }
