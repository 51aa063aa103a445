"""Billing periods as arguments of commands."""

import click

from billing_pipeline.periods import BillingPeriod


class _Period(click.ParamType[BillingPeriod]):
    name = "period"

    def get_metavar(self, *_: object, **__: object) -> str:
        return "YYYY-MM"

    def convert(self, value: object, *_: object) -> BillingPeriod:
        if isinstance(value, BillingPeriod):
            return value
        return BillingPeriod.last_complete() if value == "last" else BillingPeriod.parse(str(value))


PERIOD = _Period()
"""A billing period: `2026-09`, or `last` for the last complete month."""
