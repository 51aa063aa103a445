"""Whether anything will load the next month by itself."""

import os
import time
from pathlib import Path

from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import InstigatorStatus

from billing_pipeline.errors import BillingPipelineError
from billing_pipeline.orchestration.home import dagster_instance
from billing_pipeline.orchestration.jobs import MONTHLY_USAGE_SCHEDULE
from billing_pipeline.preflight.result import Result, failed, ok, warning
from billing_pipeline.settings import PipelineSettings

_DAEMON = "SCHEDULER"
_HEARTBEAT_SECONDS = 300.0
_HOW = "use cron, or switch it on under Automation (billing-pipeline ui)"


def check_schedule(settings: PipelineSettings) -> Result:
    """Whether Dagster's schedule is on, and its daemon was alive within the last five minutes."""
    home = Path(os.environ.get("DAGSTER_HOME") or settings.data_dir / "dagster")
    if not (home / "dagster.yaml").exists():
        never = "Dagster has never run on this data folder"
        return ok("schedule", f"{MONTHLY_USAGE_SCHEDULE} is off, and {never}; {_HOW}")
    os.environ["DAGSTER_HOME"] = str(home)
    try:
        with dagster_instance() as instance:
            running = {
                state.instigator_name
                for state in instance.all_instigator_state(instigator_type=InstigatorType.SCHEDULE)
                if state.status in {InstigatorStatus.RUNNING, InstigatorStatus.AUTOMATICALLY_RUNNING}
            }
            heartbeat = instance.get_daemon_heartbeats().get(_DAEMON)
    except BillingPipelineError as error:
        return failed("schedule", error)
    if MONTHLY_USAGE_SCHEDULE not in running:
        return ok("schedule", f"{MONTHLY_USAGE_SCHEDULE} is off; {_HOW}")
    if heartbeat is None or time.time() - heartbeat.timestamp >= _HEARTBEAT_SECONDS:
        return warning(
            "schedule",
            f"{MONTHLY_USAGE_SCHEDULE} is on, but Dagster's daemon was not seen in the last five minutes",
            "Start it: billing-pipeline ui, or the service of your deployment. Without it no scheduled run "
            "begins.",
        )
    return ok("schedule", f"{MONTHLY_USAGE_SCHEDULE} is on, and Dagster's daemon runs")
