"""Dagster runs of billing periods, started from a program rather than from the UI."""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from uuid import uuid4

import dagster as dg
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.origin import DEFAULT_DAGSTER_ENTRY_POINT, JobPythonOrigin, RepositoryPythonOrigin
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin

from billing_pipeline.errors import BillingPipelineError
from billing_pipeline.orchestration.assets.month import MONTH_REPORT, SHARED_ASSETS
from billing_pipeline.orchestration.code_location import build_defs
from billing_pipeline.orchestration.home import dagster_instance
from billing_pipeline.orchestration.jobs import (
    ACCOUNT_TAG,
    BY_COMMAND,
    MONTHLY_USAGE,
    STARTED_BY_TAG,
    account_asset_keys,
    account_check_keys,
)
from billing_pipeline.orchestration.month_report import PostponedMonthReports
from billing_pipeline.orchestration.orphaned_runs import fail_orphaned_runs, run_lock
from billing_pipeline.orchestration.preparation import Listener, prepared_reports
from billing_pipeline.orchestration.reports import PreparedReports
from billing_pipeline.orchestration.settings import Settings
from billing_pipeline.ordering import Progress
from billing_pipeline.periods import AccountPeriod, BillingPeriod

# The module of the definitions, and the name of the code location in `workspace.yaml`.
_CODE_LOCATION = "billing_pipeline.definitions"

# Dagster's own account of a failure is in its event log; a terminal gets one clear line.
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}

# What Dagster makes of Ctrl-C and SIGTERM inside a step.
_INTERRUPTED = {"DagsterExecutionInterruptedError", "KeyboardInterrupt"}


@dataclass(frozen=True, slots=True)
class PeriodRun:
    """How the run of an account's period ended.

    Args:
        period: the account's period.
        rows: how many rows were loaded.
        failure: the message of the error that ended it; None if the period was loaded.
        warnings: names of the checks that found something, although the period was loaded.
        money_warnings: the same, of checks of the prices and charges.
    """

    period: AccountPeriod
    rows: int | None = None
    failure: str | None = None
    warnings: tuple[str, ...] = ()
    money_warnings: tuple[str, ...] = ()


def run_periods(
    periods: Sequence[AccountPeriod],
    settings: Settings,
    *,
    listener: Listener,
    replay: bool = False,
) -> Iterator[PeriodRun]:
    """Load periods of accounts, each in a Dagster run of its own, all in this process.

    Threads request, await and download the reports; each month's run follows as its report is on disk.

    Args:
        periods: what to load.
        settings: of this process.
        listener: receives the progress of each period, from any thread.
        replay: load the raw reports on disk; nothing is requested.

    Yields:
        Each period's outcome as its run ends; periods that were not attempted are missing.

    Raises:
        BillingPipelineError: Dagster's history cannot be written.
    """
    prepared, pages = PreparedReports(), PostponedMonthReports(settings)
    # Open the instance once up front: a damaged history is then reported once, not by every run.
    with dagster_instance(settings.pipeline) as instance:
        fail_orphaned_runs(settings.pipeline, instance)
        _create_runs_in_code_location(instance)
        job = build_defs(settings, reports=prepared, month_reports=pages).resolve_job_def(MONTHLY_USAGE)
        accounts_left = Counter(each.period for each in periods)

        def write_pages(*of_periods: BillingPeriod) -> None:
            for period, page in pages.write_postponed(*of_periods):
                written = {"path": dg.MetadataValue.path(page)}
                instance.report_runless_asset_event(
                    dg.AssetMaterialization(MONTH_REPORT, partition=period.key, metadata=written)
                )

        def execute(period: AccountPeriod, *, replay: bool) -> PeriodRun:
            listener(period, Progress("loading"))
            run = _execute(job, period, settings, instance, replay=replay)
            accounts_left[period.period] -= 1
            if not accounts_left[period.period]:
                write_pages(period.period)
            return run

        to_prepare = [] if replay else [each for each in periods if _is_loadable(each, settings)]
        for period in periods:
            if period not in to_prepare:  # its run needs no report, or fails before it needs one
                yield execute(period, replay=replay)
        with closing(prepared_reports(to_prepare, settings, listener)) as reports:
            for period, report in reports:
                prepared[period] = report
                yield execute(period, replay=False)
                del prepared[period]
        # Of periods with an account that was not attempted.
        write_pages()


def _create_runs_in_code_location(instance: dg.DagsterInstance) -> None:
    """Let an instance create its runs of `monthly_usage` as the code location's.

    Dagster's timeline and job page show no others. `execute_in_process` has no parameter for the origin,
    which Dagster keeps private.
    """
    repository = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin(_CODE_LOCATION), "__repository__")
    code = RepositoryPythonOrigin(
        executable_path=sys.executable,
        code_pointer=ModuleCodePointer(_CODE_LOCATION, "defs", working_directory=None),
        entry_point=DEFAULT_DAGSTER_ENTRY_POINT,
    )
    create = partial(
        instance.create_run_for_job,
        remote_job_origin=RemoteJobOrigin(repository, MONTHLY_USAGE),
        job_code_origin=JobPythonOrigin(MONTHLY_USAGE, code),
    )
    setattr(instance, "create_run_for_job", create)  # noqa: B010 - mypy forbids the assignment


def _is_loadable(period: AccountPeriod, settings: Settings) -> bool:
    try:
        settings.require_loadable(period.period)
    except BillingPipelineError:
        return False
    return True


def _execute(
    job: dg.JobDefinition,
    period: AccountPeriod,
    settings: Settings,
    instance: dg.DagsterInstance,
    *,
    replay: bool,
) -> PeriodRun:
    keys = account_asset_keys(period.account)
    job = job.get_subset(
        asset_selection={*(keys[-1:] if replay else keys), *SHARED_ASSETS},
        asset_check_selection=set(account_check_keys(period.account)),
    )
    run_id = str(uuid4())
    try:
        with run_lock(settings.pipeline, run_id):
            result = job.execute_in_process(
                instance=instance,
                partition_key=period.period.key,
                run_config=_QUIET,
                run_id=run_id,
                tags={
                    ACCOUNT_TAG: period.account,
                    STARTED_BY_TAG: BY_COMMAND,
                    **({"billing/replay": "true"} if replay else {}),
                    **({"billing/force": "true"} if settings.forced else {}),
                },
                raise_on_error=False,
            )
    except BillingPipelineError as error:  # the run could not begin
        return PeriodRun(
            period, failure=str(error.about(account=period.named_account, period=period.period.key))
        )
    if result.success:
        failed = [check for check in result.get_asset_check_evaluations() if not check.passed]
        money = tuple(check.check_name for check in failed if check.asset_key in SHARED_ASSETS)
        others = tuple(check.check_name for check in failed if check.asset_key not in SHARED_ASSETS)
        return PeriodRun(period, rows=_rows(result), warnings=others, money_warnings=money)
    return PeriodRun(period, failure=_failure(period, result))


def _failure(period: AccountPeriod, result: dg.ExecuteInProcessResult) -> str:
    for event in result.get_step_failure_events() if result.all_node_events else ():
        step_failure = event.step_failure_data
        if failure := step_failure.user_failure_data:
            return failure.description or ""
        if error := step_failure.error:
            while error.cause is not None:
                error = error.cause
            if error.cls_name in _INTERRUPTED:
                raise KeyboardInterrupt
            return f"period {period}: {error.message.strip()}. This is a defect: please report it."
    return "the run failed; see its events in the UI (billing-pipeline ui)"


def _rows(result: dg.ExecuteInProcessResult) -> int | None:
    for event in result.get_asset_materialization_events():
        count = event.materialization.metadata.get("dagster/partition_row_count")
        if count is not None and isinstance(count.value, int):
            return count.value
    return None
