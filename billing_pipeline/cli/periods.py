"""Billing periods as arguments of commands, and the warning that one lacks the usage of an account."""

import logging
from collections.abc import Collection

import click

from billing_pipeline.periods import BillingPeriod
from billing_pipeline.warehouse import Warehouse
from billing_pipeline.warehouse.history import require_loaded

_log = logging.getLogger(__name__)


class _Period(click.ParamType[BillingPeriod]):
    name = "period"

    def get_metavar(self, *_: object, **__: object) -> str:
        return "YYYY-MM"

    def convert(self, value: object, *_: object) -> BillingPeriod:
        if isinstance(value, BillingPeriod):
            return value
        return BillingPeriod.last_closed() if value == "last" else BillingPeriod.parse(str(value))


PERIOD = _Period()
"""A billing period: `2026-09`, or `last` for the last closed month."""


def warn_of_missing_accounts(warehouse: Warehouse, period: BillingPeriod, accounts: Collection[str]) -> None:
    """Name on stderr the configured accounts whose usage of a period is not loaded."""
    with warehouse.reading() as connection:
        missing = sorted(set(accounts) - require_loaded(connection, period))
    if missing:
        _log.warning("%s lacks the usage of %s, which is not loaded", period, ", ".join(missing))
