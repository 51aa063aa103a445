"""Billing periods as Dagster partitions: every closed month since the first one configured."""

from dagster import MonthlyPartitionsDefinition

from billing_pipeline.errors import SettingsError
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.settings import PipelineSettings


def _first_period() -> BillingPeriod:
    # A bad setting must not take the whole code location down: the runs name it, one clear line each.
    try:
        return PipelineSettings.load().first_period
    except SettingsError:
        return BillingPeriod(2024, 1)


# No end_offset: the unfinished month is no partition, so neither a person nor the schedule can bill it.
billing_periods = MonthlyPartitionsDefinition(start_date=_first_period().key, fmt="%Y-%m", timezone="UTC")
