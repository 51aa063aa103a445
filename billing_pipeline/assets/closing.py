"""Closed periods, seen from a run: refused before anything is ordered, unless the run is forced."""

from dagster import AssetExecutionContext

from billing_pipeline.assets.resources import DataFolder
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.warehouse import require_open

FORCE_TAG = "billing/force"
"""A run with this tag set to `true` may replace closed periods; `billing-pipeline run --force` sets it."""


def is_forced(context: AssetExecutionContext) -> bool:
    """Whether the run may replace closed periods."""
    return context.run.tags.get(FORCE_TAG) == "true"


def require_loadable(context: AssetExecutionContext, data: DataFolder, period: BillingPeriod) -> None:
    """Go on only with a period that may be loaded.

    Raises:
        PeriodError: it is not over yet: Dagster does not look whether there is a partition of a tag's name.
        PeriodClosedError: the period is closed, and the run is not forced.
    """
    period.require_over()
    if not is_forced(context):
        require_open(data.warehouse, period)
