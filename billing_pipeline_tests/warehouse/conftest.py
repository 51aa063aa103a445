"""A warehouse in a folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from billing_pipeline.warehouse import Warehouse


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """Nothing is published yet."""
    return Warehouse(tmp_path / "data")
