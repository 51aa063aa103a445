"""The page of a month, written beside the warehouse after a load and linked from the asset."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

from filelock import FileLock

from billing_pipeline.errors import BillingPipelineError, first_line
from billing_pipeline.files import make_folder
from billing_pipeline.orchestration.settings import Settings
from billing_pipeline.periods import BillingPeriod

_log = logging.getLogger(__name__)


class MonthReports:
    """Writes `<data>/reports/<period>.html` after each load; the processes of a machine take turns.

    Args:
        settings: of this process.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def path(self, period: BillingPeriod) -> Path:
        """Where the page of a period is, or will be."""
        return self._settings.pipeline.data_dir / "reports" / f"{period}.html"

    def after_load(self, period: BillingPeriod) -> None:
        """An account of the period has been published: write the page."""
        self._write(period)

    def _write(self, period: BillingPeriod) -> None:
        """Write the page, unless another process has begun one since this call.

        The month is published already, so a page that cannot be written is a warning and not a failed load.
        """
        # Slow to import, and needed by this step alone.
        import duckdb  # noqa: PLC0415

        from billing_pipeline.month_report import write_month_report  # noqa: PLC0415

        path, published_at = self.path(period), time.time_ns()
        try:
            make_folder(path.parent)
            with FileLock(path.with_name(".lock")):
                if path.exists() and path.stat().st_mtime_ns > published_at:
                    return
                began_at = time.time_ns()
                write_month_report(self._settings.warehouse, period, path)
                # Loads that are published while the page is written may be missing in it.
                os.utime(path, ns=(began_at, began_at))
        except (BillingPipelineError, OSError, duckdb.Error) as error:
            _log.warning("The page of %s could not be written: %s", period, first_line(error))


class PostponedMonthReports(MonthReports):
    """The same for one process that loads many accounts and periods: a page after a period's last account."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._postponed: set[BillingPeriod] = set()

    def after_load(self, period: BillingPeriod) -> None:
        """An account of the period has been published; `write_postponed` follows."""
        self._postponed.add(period)

    def write_postponed(self, *periods: BillingPeriod) -> None:
        """No further account of these periods will be loaded: write their pages, where any was.

        Args:
            periods: default: all.
        """
        for period in sorted(self._postponed.intersection(periods) if periods else self._postponed):
            self._postponed.remove(period)
            self._write(period)
