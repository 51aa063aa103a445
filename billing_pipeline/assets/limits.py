"""How much is asked of Acronis at once by all runs together, however they were started."""

from collections.abc import Callable

from dagster import ConfigurableResource, InitResourceContext
from pydantic import PrivateAttr

from billing_pipeline.landing.slots import Slot
from billing_pipeline.ordering import Progress
from billing_pipeline.settings import PipelineSettings

REPORT_POOL = "acronis_reports"
"""Dagster's pool of the runs that have a report at Acronis: the run queue starts no more than its limit."""


class Limits(ConfigurableResource[None]):
    """The slots of one run: a step waits for one, the run's end frees them.

    A run has one report of each account at most, and each account is another API, so one slot is enough for
    all of them; and runs that hold one slot each cannot wait for one another.
    """

    _open_report: Slot | None = PrivateAttr(default=None)
    _accounts: set[str] = PrivateAttr(default_factory=set)

    def open_report(self, account: str, tell: Callable[[Progress], None]) -> None:
        """Wait for one of the `BILLING_OPEN_REPORTS`, and keep it until the report is `downloaded`."""
        if self._open_report is None:
            settings = PipelineSettings.load()

            def waiting(seconds: float) -> None:
                tell(Progress("other runs have as many open reports as are allowed", elapsed_seconds=seconds))

            self._open_report = Slot(settings.data_dir, "open-report", settings.open_reports, on_wait=waiting)
        self._open_report.take()
        self._accounts.add(account)

    def download(self, tell: Callable[[Progress], None]) -> Slot:
        """One of the `BILLING_PARALLEL_DOWNLOADS`, waited for and held for the length of a block."""
        settings = PipelineSettings.load()

        def waiting(seconds: float) -> None:
            tell(Progress("other runs download as much at once as is allowed", elapsed_seconds=seconds))

        return Slot(settings.data_dir, "download", settings.parallel_downloads, on_wait=waiting)

    def downloaded(self, account: str) -> None:
        """The account's report is not open any more."""
        self._accounts.discard(account)
        if self._open_report is not None and not self._accounts:
            self._open_report.release()

    def teardown_after_execution(self, context: InitResourceContext) -> None:  # noqa: ARG002
        """Free what a step that failed has left."""
        if self._open_report is not None:
            self._open_report.release()
