"""Dagster runs of billing periods, started from a program rather than from the UI."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import uuid4

import dagster as dg

from billing_pipeline.account_periods import AccountPeriod
from billing_pipeline.assets.closing import FORCE_TAG
from billing_pipeline.assets.failures import ERROR_TYPE
from billing_pipeline.assets.resources import ProgressListener, ProgressReporter
from billing_pipeline.definitions import build_defs
from billing_pipeline.jobs import MONTHLY_USAGE, account_asset_keys, account_check_keys
from billing_pipeline.killed_runs import alive
from billing_pipeline.settings import PipelineSettings

# Dagster's own account of a failure is in its event log; the reader of a terminal gets one clear line.
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


# What Dagster makes of Ctrl-C and SIGTERM inside a step.
_INTERRUPTED = {"DagsterExecutionInterruptedError", "KeyboardInterrupt"}


@dataclass(frozen=True, slots=True)
class PeriodRun:
    """How the run of an account's period ended.

    Args:
        rows: how many rows were loaded.
        failure: the message of the error that ended it; None if the period was loaded.
        error_type: the name of that error's class in `billing_pipeline.errors`.
    """

    subject: AccountPeriod
    run_id: str
    rows: int | None = None
    failure: str | None = None
    error_type: str | None = None

    @property
    def told(self) -> str:
        """How it ended, in a few words."""
        if self.failure is not None:
            return "not loaded"
        return "loaded" if self.rows is None else f"loaded, {self.rows:,} rows"


def run_periods(
    subjects: Iterable[AccountPeriod],
    instance: dg.DagsterInstance,
    *,
    settings: PipelineSettings,
    listener: ProgressListener,
    assets: Iterable[str] | None = None,
    force: bool = False,
) -> Iterator[PeriodRun]:
    """Materialise periods one after the other, each in a Dagster run of its own.

    Args:
        subjects: what to load.
        instance: from `dagster_instance`.
        settings: where the data lies.
        listener: is told what a run waits for.
        assets: names of the assets to materialise; default: all.
        force: replace closed periods, too.

    Raises:
        BillingPipelineError: no run can be begun.
    """
    defs = build_defs(settings.accounts, progress=ProgressReporter(listener))
    job = defs.resolve_job_def(MONTHLY_USAGE)
    for subject in subjects:
        keys = account_asset_keys(subject.account)
        its_job = job.get_subset(
            asset_selection={key for key in keys if assets is None or key.path[-1] in assets},
            asset_check_selection=set(account_check_keys(subject.account)),
        )
        run_id = str(uuid4())
        with alive(settings, run_id):
            result = its_job.execute_in_process(
                instance=instance,
                partition_key=subject.period.key,
                run_config=_QUIET,
                run_id=run_id,
                tags={FORCE_TAG: "true"} if force else None,
                raise_on_error=False,
            )
        yield _outcome(subject, result)


def _outcome(subject: AccountPeriod, result: dg.ExecuteInProcessResult) -> PeriodRun:
    if result.success:
        return PeriodRun(subject, result.run_id, rows=_rows(result))
    for event in result.get_step_failure_events() if result.all_node_events else ():
        step_failure = event.step_failure_data
        if told := step_failure.user_failure_data:
            error_type = told.metadata.get(ERROR_TYPE)
            return PeriodRun(
                subject,
                result.run_id,
                failure=told.description,
                error_type=str(error_type.value) if error_type else None,
            )
        if error := step_failure.error:
            while error.cause is not None:
                error = error.cause
            if error.cls_name in _INTERRUPTED:
                raise KeyboardInterrupt
            failure = f"period {subject}: {error.message.strip()}. This was not foreseen: please report it."
            return PeriodRun(subject, result.run_id, failure=failure)
    return PeriodRun(subject, result.run_id, failure="the run failed; see its events in the UI (make ui)")


def _rows(result: dg.ExecuteInProcessResult) -> int | None:
    for event in result.get_asset_materialization_events():
        told = event.materialization.metadata.get("dagster/partition_row_count")
        if told is not None and isinstance(told.value, int):
            return told.value
    return None
