"""The warehouse: its schema, the replacement of a period, and its publication.

It is a DuckDB file (`publication`) or a lake that several machines share (`lake`); `open_warehouse` alone
knows which. Readers keep the state that they opened, whole, for as long as they like.
"""

from billing_pipeline.warehouse.closing import close_period, reopen_period, require_open
from billing_pipeline.warehouse.cross_check import Witness
from billing_pipeline.warehouse.history import LoadAttempt, LoadedPeriod
from billing_pipeline.warehouse.load_checks import CHECKS, CheckResult, LoadStoppedError
from billing_pipeline.warehouse.opening import open_warehouse
from billing_pipeline.warehouse.publication import WarehouseFile
from billing_pipeline.warehouse.replacement import CrossCheckMode, UsageRows, replace_period
from billing_pipeline.warehouse.warehouse import Warehouse

__all__ = [
    "CHECKS",
    "CheckResult",
    "CrossCheckMode",
    "LoadAttempt",
    "LoadStoppedError",
    "LoadedPeriod",
    "UsageRows",
    "Warehouse",
    "WarehouseFile",
    "Witness",
    "close_period",
    "open_warehouse",
    "reopen_period",
    "replace_period",
    "require_open",
]
