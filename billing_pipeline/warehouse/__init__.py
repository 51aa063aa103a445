"""The warehouse: its tables and views, its history, and the ways to read and change it.

A DuckDB file (`WarehouseFile`), or a lake for several machines. Readers have snapshot isolation.
"""

from billing_pipeline.warehouse.check_results import CheckResult
from billing_pipeline.warehouse.closing import require_open
from billing_pipeline.warehouse.file import WarehouseFile
from billing_pipeline.warehouse.history import LoadAttempt, LoadedPeriod
from billing_pipeline.warehouse.warehouse import Warehouse

__all__ = [
    "CheckResult",
    "LoadAttempt",
    "LoadedPeriod",
    "Warehouse",
    "WarehouseFile",
    "require_open",
]
