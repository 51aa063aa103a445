"""New warehouses as copies of an empty one: creating the schema takes longer than loading a test's rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb

from billing_pipeline.warehouse import WarehouseFile

# The file of an empty warehouse, within its folder.
EMPTY_WAREHOUSE = Path("warehouse.duckdb")


def make_empty_warehouse(folder: Path) -> None:
    """Publish a warehouse without rows."""
    WarehouseFile(folder).change(lambda _: None)


def copies_of_empty_warehouse(empty: bytes) -> Any:
    """A patch that lets the first change of each warehouse start from this file instead of from none."""
    attach = WarehouseFile._attach

    def copy_first(
        self: WarehouseFile, connection: duckdb.DuckDBPyConnection, path: Path, name_and_options: str
    ) -> None:
        if path == self._next and not path.exists():
            path.write_bytes(empty)
        attach(self, connection, path, name_and_options)

    return patch.object(WarehouseFile, "_attach", copy_first)
