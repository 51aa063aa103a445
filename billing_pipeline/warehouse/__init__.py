"""The warehouse: its tables and views, its history, and the ways to read and change it.

A DuckDB file (`WarehouseFile`), or a lake for several machines; only `open_warehouse` distinguishes them.
Readers have snapshot isolation.
"""

from billing_pipeline.warehouse.check_results import CheckResult, Finding
from billing_pipeline.warehouse.closing import close_period, reopen_period, require_open
from billing_pipeline.warehouse.file import WarehouseFile
from billing_pipeline.warehouse.history import LoadAttempt, LoadedPeriod
from billing_pipeline.warehouse.opening import open_warehouse
from billing_pipeline.warehouse.warehouse import Warehouse

__all__ = [
    "CheckResult",
    "Finding",
    "LoadAttempt",
    "LoadedPeriod",
    "Warehouse",
    "WarehouseFile",
    "close_period",
    "open_warehouse",
    "reopen_period",
    "require_open",
]
