"""A warehouse in a folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from billing_pipeline.warehouse import WarehouseFile


@pytest.fixture
def warehouse(tmp_path: Path) -> WarehouseFile:
    """Nothing is published yet."""
    return WarehouseFile(tmp_path / "data")
