"""Dagster's jobs, schedules and sensor, for the configured accounts."""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from billing_pipeline.orchestration.accounts import account_asset_key
from billing_pipeline.orchestration.alerts import send_alert
from billing_pipeline.orchestration.assets import ASSETS
from billing_pipeline.orchestration.assets.month import SHARED_ASSETS, charge_check_specs
from billing_pipeline.orchestration.assets.prices import PRICE_FILE_CHECK
from billing_pipeline.orchestration.freshness_check import freshness_check
from billing_pipeline.orchestration.load_checks import load_check_specs
from billing_pipeline.orchestration.settings import Settings
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.warehouse.freshness import DUE_DAY, DUE_HOUR

MONTHLY_USAGE = "monthly_usage"
ACCOUNT_TAG = "billing/account"
"""The tag of a run that names its account."""
STARTED_BY_TAG = "billing/started_by"
"""The tag of a run that names what started it: `command` or `schedule`; runs of Dagster's UI have none."""
BY_COMMAND = "command"
MONTHLY_USAGE_SCHEDULE = "monthly_usage_schedule"


def account_asset_keys(account: str) -> list[dg.AssetKey]:
    """The keys of an account's assets."""
    return [account_asset_key(account, name) for name in ASSETS]


def account_check_keys(account: str) -> list[dg.AssetCheckKey]:
    """The keys of the checks that a run of an account makes."""
    checks = load_check_specs(account_asset_key(account, "usage"))
    return [spec.key for spec in (*checks, PRICE_FILE_CHECK, *charge_check_specs())]


def monthly_usage_job(accounts: Sequence[str]) -> Any:
    """The job `monthly_usage`."""
    keys = [*(key for account in accounts for key in account_asset_keys(account)), *SHARED_ASSETS]
    not_on_load = dg.AssetSelection.checks(*map(freshness_check, accounts))
    return dg.define_asset_job(
        MONTHLY_USAGE,
        selection=dg.AssetSelection.assets(*keys) - not_on_load,
        description="Requests, awaits, downloads and loads one month of usage, and charges it.",
        # Steps retry transient errors themselves; retrying the run would only repeat permanent ones.
        tags={"dagster/retry_on_asset_or_op_failure": "false"},
    )


def monthly_usage_schedule(accounts: Sequence[str], first_period: BillingPeriod) -> dg.ScheduleDefinition:
    """The schedule `monthly_usage_schedule`: one run per account, so that no account waits for another."""

    # After 06:00, because Acronis' usage history of the night is not ready before; on day 2, because the
    # first day's night closes the month.
    @dg.schedule(
        job_name=MONTHLY_USAGE,
        name=MONTHLY_USAGE_SCHEDULE,
        cron_schedule="0 7 2 * *",
        execution_timezone="UTC",
        description="On day 2 of every month at 07:00 UTC, for the month that has ended.",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        period = BillingPeriod.last_complete(context.scheduled_execution_time)
        if period < first_period:
            yield dg.SkipReason(f"{period} is before the first period, BILLING_FIRST_PERIOD")
            return
        for account in accounts:
            yield dg.RunRequest(
                run_key=f"{account} {context.scheduled_execution_time.isoformat()}",
                partition_key=period.key,
                asset_selection=[*account_asset_keys(account), *SHARED_ASSETS],
                asset_check_keys=account_check_keys(account),
                tags={ACCOUNT_TAG: account, STARTED_BY_TAG: "schedule"},
            )

    return schedule


def freshness_schedule(accounts: Sequence[str]) -> dg.ScheduleDefinition:
    """The job `freshness` and its schedule: when the month that has ended is due."""
    job = dg.define_asset_job(
        "freshness",
        selection=dg.AssetSelection.checks(*map(freshness_check, accounts)),
        description="Checks that every month that has ended is loaded.",
    )
    return dg.ScheduleDefinition(
        name="freshness_schedule",
        job=job,
        cron_schedule=f"0 {DUE_HOUR} {DUE_DAY} * *",
        execution_timezone="UTC",
        description="On day 3 of every month at 07:00 UTC, when the month that has ended should be loaded.",
    )


def failure_sensor(settings: Settings) -> dg.SensorDefinition:
    """The sensor `alert_on_failure`: posts the messages of each failed run to `BILLING_ALERT_WEBHOOK`."""

    @dg.run_failure_sensor(
        name="alert_on_failure",
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Posts the messages of a failed run to BILLING_ALERT_WEBHOOK.",
    )
    def alert_on_failure(context: dg.RunFailureSensorContext) -> None:
        run = context.dagster_run
        if run.tags.get(STARTED_BY_TAG) == BY_COMMAND:  # the command has sent its own alert
            return
        failures = [event.step_failure_data.user_failure_data for event in context.get_step_failure_events()]
        messages = [failure.description for failure in failures if failure and failure.description]
        period = run.tags.get("dagster/partition", "")
        fallback = f"period {period}: {context.failure_event.message} (run {run.run_id})"
        send_alert(settings.pipeline.alert_webhook, messages or [fallback])

    return alert_on_failure
