"""DuckDB's extensions come with Python packages, and are never downloaded."""

from __future__ import annotations

import duckdb
import pytest

from billing_pipeline.errors import WarehouseError
from billing_pipeline.lake.lake import load_extension


def test_load_extension__not_installed__named_and_not_downloaded() -> None:
    with duckdb.connect(":memory:") as connection, pytest.raises(WarehouseError) as missing:
        load_extension(connection, "spatial")

    message = str(missing.value)
    assert f"extension spatial, which is not installed for DuckDB {duckdb.__version__}" in message
    assert "make lake, then .venv-lake/bin/billing-pipeline" in message
