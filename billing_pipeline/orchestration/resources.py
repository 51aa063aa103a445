"""Dagster resources: the settings, the reports, and progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress

from dagster import AssetExecutionContext, InitResourceContext, ResourceDefinition, resource

from billing_pipeline.errors import BillingPipelineError
from billing_pipeline.orchestration.orphaned_runs import run_lock
from billing_pipeline.orchestration.reports import AcronisReports
from billing_pipeline.orchestration.settings import Settings
from billing_pipeline.ordering import Progress
from billing_pipeline.periods import AccountPeriod

ProgressListener = Callable[[AccountPeriod, Progress], None]


def settings_resource(settings: Settings) -> ResourceDefinition:
    """The settings; the run's lock is held for as long as the run uses them."""

    @resource
    def locked_settings(context: InitResourceContext) -> Iterator[Settings]:
        with ExitStack() as locks:
            # A data folder that cannot be used is reported by the step that needs it, in one line.
            with suppress(BillingPipelineError):
                if context.run is not None:
                    locks.enter_context(run_lock(settings.pipeline, context.run.run_id))
            yield settings

    return locked_settings


def acronis_reports_resource(settings: Settings) -> ResourceDefinition:
    """Reports from the API; the run's end frees the slot of a report that is still open."""

    @resource
    def acronis_reports(_: InitResourceContext) -> Iterator[AcronisReports]:
        with closing(AcronisReports(settings)) as reports:
            yield reports

    return acronis_reports


class ProgressReporter:
    """Reports the progress of a run to its log, and to a listener such as a terminal.

    Args:
        listener: receives the account's period and the progress.
    """

    def __init__(self, listener: ProgressListener | None = None) -> None:
        self._listener = listener

    def for_run(self, context: AssetExecutionContext, period: AccountPeriod) -> Callable[[Progress], None]:
        """The callback for the steps of one account's period."""

        def report(progress: Progress) -> None:
            context.log.info(str(progress))
            if self._listener is not None:
                self._listener(period, progress)

        return report
