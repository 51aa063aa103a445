"""`billing-pipeline status`: one thing that cannot be read does not hide the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from billing_pipeline.cli import main as billing_pipeline
from billing_pipeline.warehouse import WarehouseFile
from billing_pipeline_tests.warehouse.reports import load, row


def test_state_files_that_cannot_be_read_are_named_and_the_periods_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BILLING_DATA_DIR", str(tmp_path))
    load(WarehouseFile(tmp_path), [row(absolute_production=18)])
    requests = tmp_path / "requests"
    requests.mkdir()
    (requests / "2026-08.json").write_text("{", encoding="utf-8")
    (requests / "2026-99.json").write_text("{}", encoding="utf-8")

    assert billing_pipeline(["status"]) == 1

    told = capsys.readouterr()
    assert "2026-09" in told.out
    assert "quantity 18" in told.out
    damaged, strange = told.err.splitlines()
    assert f"{requests / '2026-08.json'} is not the state" in damaged
    assert strange == f"{requests / '2026-99.json'} is named after no period. Move the file away."
