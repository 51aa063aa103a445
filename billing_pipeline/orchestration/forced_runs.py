"""Closed periods: refused before a report is requested, unless the run is forced."""

from dagster import AssetExecutionContext

from billing_pipeline.periods import BillingPeriod
from billing_pipeline.warehouse import Warehouse, require_open

FORCE_TAG = "billing/force"
"""A run with this tag set to `true` may replace closed periods; `billing-pipeline run --force` sets it."""


def is_forced(context: AssetExecutionContext) -> bool:
    """Whether the run may replace closed periods."""
    return context.run.tags.get(FORCE_TAG) == "true"


def require_loadable(warehouse: Warehouse, period: BillingPeriod, *, forced: bool) -> None:
    """Raise unless the period may be loaded.

    Raises:
        PeriodError: it has not ended: Dagster does not check that a run's tag names an existing partition.
        PeriodClosedError: it is closed, and the run is not forced.
    """
    period.require_ended()
    if not forced:
        require_open(warehouse, period)
