"""The warning that a period lacks the usage of an account."""

import logging
from collections.abc import Collection

from billing_pipeline.periods import BillingPeriod
from billing_pipeline.warehouse import Warehouse
from billing_pipeline.warehouse.history import require_loaded

_log = logging.getLogger(__name__)


def warn_of_missing_accounts(warehouse: Warehouse, period: BillingPeriod, accounts: Collection[str]) -> None:
    """Name on stderr the configured accounts whose usage of a period is not loaded."""
    with warehouse.reading() as connection:
        missing = sorted(set(accounts) - require_loaded(connection, period))
    if missing:
        _log.warning("%s lacks the usage of %s, which is not loaded", period, ", ".join(missing))
