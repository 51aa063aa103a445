"""What the assets are given: settings read when a run needs them, and a place to tell progress to."""

from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

from dagster import AssetExecutionContext, ConfigurableResource, InitResourceContext
from pydantic import PrivateAttr

from billing_pipeline.account_periods import AccountPeriod
from billing_pipeline.acronis import AcronisClient
from billing_pipeline.errors import BillingPipelineError
from billing_pipeline.killed_runs import alive
from billing_pipeline.ordering import Progress
from billing_pipeline.settings import AccountSettings, PipelineSettings
from billing_pipeline.warehouse import Warehouse, open_warehouse

ProgressListener = Callable[[AccountPeriod, Progress], None]


class DataFolder(ConfigurableResource[None]):
    """Everything that is kept: request states, raw reports, the warehouse; and that a run is alive."""

    _run: ExitStack = PrivateAttr(default_factory=ExitStack)

    def setup_for_execution(self, context: InitResourceContext) -> None:
        """Hold what tells that the run is alive, wherever it was begun."""
        # What is amiss with the folder, the step tells in one line.
        with suppress(BillingPipelineError):
            if context.run is not None:
                self._run.enter_context(alive(PipelineSettings.load(), context.run.run_id))

    def teardown_after_execution(self, context: InitResourceContext) -> None:  # noqa: ARG002
        """The run has ended."""
        self._run.close()

    def of(self, account: str) -> Path:
        """The folder of an account's requests and raw reports."""
        return PipelineSettings.load().account_dir(account)

    @property
    def path(self) -> Path:
        """The folder that `BILLING_DATA_DIR` names."""
        return PipelineSettings.load().data_dir

    @property
    def max_report_bytes(self) -> int:
        """What one file of a report may unpack to."""
        return PipelineSettings.load().max_report_gib * 1024**3

    @property
    def warehouse(self) -> Warehouse:
        """The warehouse that `BILLING_WAREHOUSE` names."""
        return open_warehouse(PipelineSettings.load())


class AcronisAccounts(ConfigurableResource[None]):
    """The API clients that the settings describe."""

    def settings(self, account: str) -> AccountSettings:
        """The `ACRONIS_…` settings of an account."""
        return AccountSettings.load(account)

    def client(self, account: str) -> AcronisClient:
        """An account's client of the account-management API; a context manager."""
        return AcronisClient.from_settings(self.settings(account))


class ProgressReporter:
    """Tells what a run is waiting for: to the run's log, and to a listener such as a terminal.

    A plain object: Dagster copies its own kind of resources by their configuration, and would lose the
    listener.

    Args:
        listener: is called with what the progress is about, and the progress.
    """

    def __init__(self, listener: ProgressListener | None = None) -> None:
        self._listener = listener

    def for_run(self, context: AssetExecutionContext, subject: AccountPeriod) -> Callable[[Progress], None]:
        """What the steps of one account's period call."""

        def tell(progress: Progress) -> None:
            context.log.info(str(progress))
            if self._listener is not None:
                self._listener(subject, progress)

        return tell
