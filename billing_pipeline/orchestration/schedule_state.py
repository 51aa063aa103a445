"""Whether Dagster's schedules are switched on, and whether its daemon runs."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import InstigatorStatus

from billing_pipeline.orchestration.home import existing_instance
from billing_pipeline.orchestration.jobs import MONTHLY_USAGE_SCHEDULE
from billing_pipeline.settings import PipelineSettings

_DAEMON = "SCHEDULER"
_HEARTBEAT_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class ScheduleState:
    """The state of `monthly_usage_schedule`.

    Args:
        is_on: whether it is switched on.
        daemon_runs: whether the daemon, which starts its runs, was alive within the last five minutes.
    """

    is_on: bool
    daemon_runs: bool


def schedule_state(settings: PipelineSettings) -> ScheduleState | None:
    """The state in Dagster's home; None if Dagster has never run there. Nothing is made.

    Raises:
        SettingsError: Dagster cannot use its home.
    """
    home = Path(os.environ.get("DAGSTER_HOME") or settings.data_dir / "dagster")
    if not (home / "dagster.yaml").exists():
        return None
    os.environ["DAGSTER_HOME"] = str(home)
    with existing_instance() as instance:
        running = {
            state.instigator_name
            for state in instance.all_instigator_state(instigator_type=InstigatorType.SCHEDULE)
            if state.status in {InstigatorStatus.RUNNING, InstigatorStatus.AUTOMATICALLY_RUNNING}
        }
        heartbeat = instance.get_daemon_heartbeats().get(_DAEMON)
        is_alive = heartbeat is not None and time.time() - heartbeat.timestamp < _HEARTBEAT_SECONDS
    return ScheduleState(MONTHLY_USAGE_SCHEDULE in running, is_alive)
