"""The warehouse: its tables and views, its history, and the ways to read and change it.

A DuckDB file (`WarehouseFile`), or a lake for several machines; only `open_warehouse` distinguishes them.
Readers have snapshot isolation.
"""

from billing_pipeline.settings import PipelineSettings
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
    "open_warehouse",
    "require_open",
]


def open_warehouse(settings: PipelineSettings) -> Warehouse:
    """The warehouse that the settings name; nothing is opened or made yet.

    Raises:
        SettingsError: a setting that a lake needs is missing or bad.
        WarehouseError: what a lake needs is not installed.
    """
    if settings.warehouse is None:
        return WarehouseFile(settings.data_dir)
    # The lake's dependencies are an optional extra.
    from billing_pipeline.lake import open_lake  # noqa: PLC0415

    return open_lake(settings.warehouse, settings.data_dir)
