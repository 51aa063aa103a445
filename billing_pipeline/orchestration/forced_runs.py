"""Closed periods: refused before a report is requested, unless the command forces them."""

from billing_pipeline.orchestration.settings import Settings
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.warehouse import require_open


def require_loadable(settings: Settings, period: BillingPeriod) -> None:
    """Raise unless the period may be loaded.

    Raises:
        PeriodError: it has not ended: Dagster does not check that a run's tag names an existing partition.
        PeriodClosedError: it is closed, and this process does not force it.
    """
    period.require_ended()
    if not settings.forced:
        require_open(settings.warehouse, period)
