"""Dagster resources: the data folder, the reports, and progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

from dagster import AssetExecutionContext, InitResourceContext, ResourceDefinition, resource

from billing_pipeline.errors import BillingPipelineError
from billing_pipeline.loading.replace import CrossCheckMode
from billing_pipeline.orchestration.orphaned_runs import run_lock
from billing_pipeline.orchestration.reports import AcronisReports
from billing_pipeline.orchestration.settings import Settings
from billing_pipeline.ordering import Progress
from billing_pipeline.periods import AccountPeriod
from billing_pipeline.warehouse import Warehouse, open_warehouse

ProgressListener = Callable[[AccountPeriod, Progress], None]


class DataFolder:
    """The data folder: requests, raw reports, pages and the warehouse.

    Args:
        settings: of this process.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def path(self) -> Path:
        """The folder that `BILLING_DATA_DIR` names."""
        return self._settings.pipeline.data_dir

    @property
    def warehouse(self) -> Warehouse:
        """The warehouse that `BILLING_WAREHOUSE` names."""
        return open_warehouse(self._settings.pipeline)

    @property
    def cross_check(self) -> CrossCheckMode:
        """What a difference between the report's two files does to a load."""
        return self._settings.pipeline.cross_check

    def account_dir(self, account: str) -> Path:
        """The folder of an account's requests and raw reports."""
        return self._settings.account_dir(account)


def data_folder_resource(settings: Settings) -> ResourceDefinition:
    """The data folder; the run's lock is held for as long as the run uses it."""

    @resource
    def data_folder(context: InitResourceContext) -> Iterator[DataFolder]:
        with ExitStack() as locks:
            # A data folder that cannot be used is reported by the step that needs it, in one line.
            with suppress(BillingPipelineError):
                if context.run is not None:
                    locks.enter_context(run_lock(settings.pipeline, context.run.run_id))
            yield DataFolder(settings)

    return data_folder


def acronis_reports_resource(settings: Settings) -> ResourceDefinition:
    """Reports from the API; the run's end frees the slot of a report that is still open."""

    @resource
    def acronis_reports(_: InitResourceContext) -> Iterator[AcronisReports]:
        reports = AcronisReports(settings)
        try:
            yield reports
        finally:
            reports.close()

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
