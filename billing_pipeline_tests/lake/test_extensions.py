"""DuckDB's extensions come with Python packages, and are never downloaded."""

from __future__ import annotations

import duckdb
import pytest

from billing_pipeline.errors import WarehouseError
from billing_pipeline.lake.lake import load_extension
from billing_pipeline.warehouse import Warehouse


def test_load_extension__not_installed__named_and_not_downloaded() -> None:
    with duckdb.connect(":memory:") as connection, pytest.raises(WarehouseError) as missing:
        load_extension(connection, "spatial")

    message = str(missing.value)
    assert f"extension spatial, which is not installed for DuckDB {duckdb.__version__}" in message
    assert "make lake, then .venv-lake/bin/billing-pipeline" in message


def test_open__second_connection__signatures_are_required_again(warehouse: Warehouse) -> None:
    for _ in range(2):
        with warehouse.reading() as connection:
            required = connection.execute(
                "SELECT NOT current_setting('allow_unsigned_extensions')"
            ).fetchall()
        assert required == [(True,)]
