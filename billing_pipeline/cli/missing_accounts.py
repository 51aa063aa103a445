"""A month that lacks an account's usage is not handed on without a word."""

from __future__ import annotations

import sys
from collections.abc import Collection

from billing_pipeline.periods import BillingPeriod
from billing_pipeline.warehouse import Warehouse
from billing_pipeline.warehouse.history import loaded_accounts


def tell_missing_accounts(warehouse: Warehouse, period: BillingPeriod, accounts: Collection[str]) -> None:
    """Name on stderr the accounts of the settings whose usage of a period is not loaded."""
    with warehouse.reading() as connection:
        missing = sorted(set(accounts) - loaded_accounts(connection, period))
    if missing:
        print(
            f"{period}: the usage of {', '.join(missing)} is not loaded, so it is not in there",
            file=sys.stderr,
        )
