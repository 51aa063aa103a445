"""When an ended month is due, and which months are overdue."""

from collections.abc import Collection
from datetime import UTC, datetime, time

from billing_pipeline.periods import BillingPeriod, periods_between

DUE_DAY = 3
DUE_HOUR = 7


def due_at(period: BillingPeriod) -> datetime:
    """By when a period should be loaded: a day after the schedule's run."""
    return datetime.combine(period.next().start.replace(day=DUE_DAY), time(DUE_HOUR), tzinfo=UTC)


def overdue_periods(loaded: Collection[BillingPeriod], *, now: datetime) -> list[BillingPeriod]:
    """Closed periods that are due and not loaded.

    Args:
        loaded: the loaded periods of one account. Periods before the first of them are not overdue; if none
            is loaded, only the last ended period is.
        now: an aware time.
    """
    last_complete = BillingPeriod.last_complete(now)
    first = min(loaded, default=last_complete)
    return [
        period
        for period in periods_between(first, last_complete)
        if period not in loaded and now >= due_at(period)
    ]
