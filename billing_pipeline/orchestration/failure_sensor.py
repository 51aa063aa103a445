"""The sensor that alerts about failed runs of Dagster's page and schedules."""

from __future__ import annotations

import dagster as dg

from billing_pipeline.alerts import send_alert
from billing_pipeline.orchestration.jobs import BY_COMMAND, STARTED_BY_TAG
from billing_pipeline.orchestration.settings import Settings


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
