"""The page of a month, written beside the warehouse after a change."""

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb

from billing_pipeline.charges.closing import invoiced_months
from billing_pipeline.errors import BillingPipelineError, first_line
from billing_pipeline.orchestration.settings import Settings
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.warehouse.closing import open_periods

_log = logging.getLogger(__name__)


class MonthReports:
    """Writes `<data>/reports/<period>.html` and the files beside it after each load and closing.

    Args:
        settings: of this process.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def after_closing(self, period: BillingPeriod) -> None:
        """The period was closed or reopened: write anew its page and those of the months that it corrects."""
        with self._settings.warehouse.reading() as connection:
            corrected = invoiced_months(connection, period)
        self.renew(period, *corrected)

    def renew(self, *periods: BillingPeriod) -> None:
        """Write the pages of these periods anew, and of open ones; a period without a page gets none.

        Open periods are shown at the prices in force, with the corrections that are due.
        """
        from billing_pipeline.month_report.folder import written_months  # noqa: PLC0415

        written = written_months(self._settings.pipeline.reports_dir)
        still_open = open_periods(self._settings.warehouse, written)
        for period in written:
            if period in periods or period in still_open:
                self.after_change(period)

    def after_change(self, period: BillingPeriod) -> Path | None:
        """Usage or charges of the period have changed: write the page, unless a later one has been begun.

        Returns:
            The page; None if it cannot be written. The change is published already, so that is a warning and
            no failure.
        """
        # Slow to import, and needed by this step alone.
        from billing_pipeline.month_report import write_month  # noqa: PLC0415

        published_at = time.time_ns()
        try:
            folder = self._settings.pipeline.reports_dir
            return write_month(self._settings.warehouse, period, folder, published_at=published_at)
        except (BillingPipelineError, OSError, duckdb.Error) as error:
            _log.warning("The page of %s could not be written: %s", period, first_line(error))
            return None


class PostponedMonthReports(MonthReports):
    """The same for one process that loads many accounts and periods: a page after a period's last account."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._postponed: set[BillingPeriod] = set()

    def after_change(self, period: BillingPeriod) -> None:
        """Usage or charges of the period have changed; `write_postponed` follows."""
        self._postponed.add(period)

    def write_postponed(self, *periods: BillingPeriod) -> Iterator[tuple[BillingPeriod, Path]]:
        """No further account of these periods will be loaded: write their pages, where any was.

        Args:
            periods: default: all.

        Yields:
            Each page that was written.
        """
        for period in sorted(self._postponed.intersection(periods) if periods else self._postponed):
            self._postponed.remove(period)
            if page := super().after_change(period):
                yield period, page
