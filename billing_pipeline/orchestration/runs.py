"""Dagster runs of billing periods, started from a program rather than from the UI."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from uuid import uuid4

import dagster as dg

from billing_pipeline.errors import BillingPipelineError
from billing_pipeline.orchestration.code_location import build_defs
from billing_pipeline.orchestration.forced_runs import FORCE_TAG, require_loadable
from billing_pipeline.orchestration.home import dagster_instance, prepare_dagster_home
from billing_pipeline.orchestration.jobs import MONTHLY_USAGE, account_asset_keys, account_check_keys
from billing_pipeline.orchestration.orphaned_runs import fail_orphaned_runs, run_lock
from billing_pipeline.orchestration.preparation import ReportPreparation
from billing_pipeline.orchestration.reports import PreparedReport, PreparedReports
from billing_pipeline.orchestration.resources import ProgressListener, ProgressReporter
from billing_pipeline.orchestration.settings import Settings
from billing_pipeline.periods import AccountPeriod

# Dagster's own account of a failure is in its event log; a terminal gets one clear line.
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}

# How Dagster reports Ctrl-C and SIGTERM inside a step.
_INTERRUPTED = {"DagsterExecutionInterruptedError", "KeyboardInterrupt"}


@dataclass(frozen=True, slots=True)
class PeriodRun:
    """How the run of an account's period ended.

    Args:
        period: the account's period.
        rows: how many rows were loaded.
        failure: the message of the error that ended it; None if the period was loaded.
    """

    period: AccountPeriod
    rows: int | None = None
    failure: str | None = None

    @property
    def summary(self) -> str:
        """The outcome in a few words."""
        if self.failure is not None:
            return "not loaded"
        return "loaded" if self.rows is None else f"loaded, {self.rows:,} rows"


def run_periods(
    periods: Sequence[AccountPeriod],
    settings: Settings,
    *,
    listener: ProgressListener,
    replay: bool = False,
    force: bool = False,
) -> Iterator[PeriodRun]:
    """Load periods of accounts, each in a Dagster run of its own, all in this process.

    The reports of several periods are prepared by threads; each month's run follows as its report is on disk.
    A single period is requested, awaited and downloaded by its run, where Dagster's page shows it in
    progress.

    Args:
        periods: what to load.
        settings: of this process.
        listener: receives the progress of each period, from any thread.
        replay: load the raw reports on disk; nothing is requested.
        force: replace closed periods, too.

    Yields:
        Each period's outcome as its run ends; periods that were not attempted are missing.

    Raises:
        BillingPipelineError: Dagster's history cannot be written, or the only run cannot begin.
    """
    prepare_dagster_home(settings.pipeline)
    # Open the instance once up front: a damaged history is then reported once, not by every run.
    with dagster_instance() as instance:
        fail_orphaned_runs(settings.pipeline, instance)
        if replay or len(periods) == 1:
            defs = build_defs(settings, progress=ProgressReporter(listener))
            runs = _Runs(defs, instance, settings, is_only_run=len(periods) == 1)
            for period in periods:
                yield runs.execute(period, assets={"usage"} if replay else None, force=force)
        else:
            yield from _run_prepared(periods, settings, instance, listener=listener, force=force)


def _run_prepared(
    periods: Sequence[AccountPeriod],
    settings: Settings,
    instance: dg.DagsterInstance,
    *,
    listener: ProgressListener,
    force: bool,
) -> Iterator[PeriodRun]:
    prepared: dict[AccountPeriod, PreparedReport] = {}
    runs = _Runs(build_defs(settings, reports=PreparedReports(prepared)), instance, settings)
    loadable = [period for period in periods if _is_loadable(settings, period, force=force)]
    for period in periods:
        if period not in loadable:
            yield runs.execute(period, force=force)  # fails with the reason, before anything is requested
    preparation = ReportPreparation(loadable, settings, listener)
    with closing(preparation):
        for period, report in preparation.results():
            prepared[period] = report
            yield runs.execute(period, force=force)
            del prepared[period]


def _is_loadable(settings: Settings, period: AccountPeriod, *, force: bool) -> bool:
    try:
        require_loadable(settings.warehouse, period.period, forced=force)
    except BillingPipelineError:
        return False
    return True


class _Runs:
    """Executes the job `monthly_usage` for one period after the other."""

    def __init__(
        self,
        defs: dg.Definitions,
        instance: dg.DagsterInstance,
        settings: Settings,
        *,
        is_only_run: bool = False,
    ) -> None:
        self._is_only_run = is_only_run
        self._job = defs.resolve_job_def(MONTHLY_USAGE)
        self._instance = instance
        self._settings = settings

    def execute(
        self, period: AccountPeriod, *, assets: set[str] | None = None, force: bool = False
    ) -> PeriodRun:
        keys = account_asset_keys(period.account)
        job = self._job.get_subset(
            asset_selection={key for key in keys if assets is None or key.path[-1] in assets},
            asset_check_selection=set(account_check_keys(period.account)),
        )
        run_id = str(uuid4())
        try:
            with run_lock(self._settings.pipeline, run_id):
                result = job.execute_in_process(
                    instance=self._instance,
                    partition_key=period.period.key,
                    run_config=_QUIET,
                    run_id=run_id,
                    tags={FORCE_TAG: "true"} if force else None,
                    raise_on_error=False,
                )
        except BillingPipelineError as error:  # the run could not begin
            if self._is_only_run:
                raise
            error.about(account=period.named_account, period=period.period.key)
            return PeriodRun(period, failure=str(error))
        return _outcome(period, result)


def _outcome(period: AccountPeriod, result: dg.ExecuteInProcessResult) -> PeriodRun:
    if result.success:
        return PeriodRun(period, rows=_rows(result))
    for event in result.get_step_failure_events() if result.all_node_events else ():
        step_failure = event.step_failure_data
        if failure := step_failure.user_failure_data:
            return PeriodRun(period, failure=failure.description)
        if error := step_failure.error:
            while error.cause is not None:
                error = error.cause
            if error.cls_name in _INTERRUPTED:
                raise KeyboardInterrupt
            message = f"period {period}: {error.message.strip()}. This was not foreseen: please report it."
            return PeriodRun(period, failure=message)
    return PeriodRun(period, failure="the run failed; see its events in the UI (make ui)")


def _rows(result: dg.ExecuteInProcessResult) -> int | None:
    for event in result.get_asset_materialization_events():
        count = event.materialization.metadata.get("dagster/partition_row_count")
        if count is not None and isinstance(count.value, int):
            return count.value
    return None
