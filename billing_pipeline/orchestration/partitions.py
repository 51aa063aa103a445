"""Billing periods as Dagster partitions: every month that has ended since the first one configured."""

from dagster import MonthlyPartitionsDefinition

from billing_pipeline.periods import BillingPeriod


def billing_periods(first: BillingPeriod) -> MonthlyPartitionsDefinition:
    """The partitions from `first` on.

    There is no `end_offset`: the current month is no partition, so neither a person nor the schedule can load
    it.
    """
    return MonthlyPartitionsDefinition(start_date=first.key, fmt="%Y-%m", timezone="UTC")
