"""Whether anything will load the next month by itself."""

from billing_pipeline.errors import BillingPipelineError
from billing_pipeline.preflight.result import Result, failed, ok, warning
from billing_pipeline.settings import PipelineSettings


def check_schedule(settings: PipelineSettings) -> Result:
    """Whether Dagster's schedule is on."""
    # Dagster takes longer to import than all other checks together.
    from billing_pipeline.orchestration.schedule_state import schedule_state  # noqa: PLC0415

    try:
        state = schedule_state(settings)
    except BillingPipelineError as error:
        return failed("schedule", error)
    if state is None or not state.is_on:
        never = "" if state else ", and Dagster has never run on this data folder"
        return ok(
            "schedule",
            f"monthly_usage_schedule is off{never}; use cron, or switch it on under Automation "
            "(billing-pipeline ui)",
        )
    if not state.daemon_runs:
        return warning(
            "schedule",
            "monthly_usage_schedule is on, but Dagster's daemon was not seen in the last five minutes",
            "Start it: billing-pipeline ui, or the service of your deployment. Without it no scheduled run "
            "begins.",
        )
    return ok("schedule", "monthly_usage_schedule is on, and Dagster's daemon runs")
