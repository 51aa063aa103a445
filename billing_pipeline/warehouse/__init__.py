"""The DuckDB warehouse: its schema, the replacement of a period, and its publication.

Loaders change a working copy and publish it by renaming it over `warehouse.duckdb`, so that readers
may keep that file open for as long as they like: they keep the state that they opened, whole.
"""

from billing_pipeline.warehouse.closing import close_period, reopen_period, require_open
from billing_pipeline.warehouse.cross_check import Witness
from billing_pipeline.warehouse.history import LoadAttempt, LoadedPeriod
from billing_pipeline.warehouse.load_checks import CHECKS, CheckResult, LoadStoppedError
from billing_pipeline.warehouse.publication import Warehouse
from billing_pipeline.warehouse.replacement import CrossCheckMode, UsageRows, replace_period

__all__ = [
    "CHECKS",
    "CheckResult",
    "CrossCheckMode",
    "LoadAttempt",
    "LoadStoppedError",
    "LoadedPeriod",
    "UsageRows",
    "Warehouse",
    "Witness",
    "close_period",
    "reopen_period",
    "replace_period",
    "require_open",
]
