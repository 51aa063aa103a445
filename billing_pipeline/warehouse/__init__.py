"""The DuckDB warehouse: its schema, the replacement of a period, and its publication.

Loaders change a working copy and publish it by renaming it over `warehouse.duckdb`, so that readers
may keep that file open for as long as they like: they keep the state that they opened, whole.
"""

from billing_pipeline.warehouse.history import LoadAttempt, LoadedPeriod
from billing_pipeline.warehouse.publication import Warehouse
from billing_pipeline.warehouse.replacement import UsageRows, replace_period

__all__ = ["LoadAttempt", "LoadedPeriod", "UsageRows", "Warehouse", "replace_period"]
