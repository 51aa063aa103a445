"""The data folder of a test of money."""

from __future__ import annotations

from pathlib import Path

import pytest

from billing_pipeline_tests.charges.books import Books


@pytest.fixture
def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Books:
    """An empty data folder, which the environment names."""
    monkeypatch.setenv("BILLING_DATA_DIR", str(tmp_path))
    return Books(tmp_path, capsys)
