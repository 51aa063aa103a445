"""`billing-pipeline status`: one thing that cannot be read does not hide the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from billing_pipeline.cli import main as billing_pipeline
from billing_pipeline.periods import SINGLE_ACCOUNT, BillingPeriod
from billing_pipeline.warehouse import LoadAttempt, WarehouseFile, close_period
from billing_pipeline.warehouse.history import record
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


def test_a_closed_month_is_called_so_whatever_was_tried_since(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BILLING_DATA_DIR", str(tmp_path))
    warehouse = WarehouseFile(tmp_path)
    load(warehouse, [row(absolute_production=18)])
    close_period(warehouse, BillingPeriod(2026, 9))
    failed = LoadAttempt(
        period=BillingPeriod(2026, 9), account=SINGLE_ACCOUNT, outcome="failed", reason="no disk"
    )
    warehouse.change("2026-09", "failed", lambda connection: record(connection, failed))

    assert billing_pipeline(["status"]) == 0

    assert "loaded, closed; last attempt failed" in capsys.readouterr().out


def test_an_account_that_is_no_longer_there_is_not_overdue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BILLING_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("BILLING_ACCOUNTS", "eu")
    load(WarehouseFile(tmp_path), [row(absolute_production=18)], BillingPeriod(2024, 5), account="us")

    assert billing_pipeline(["status"]) == 0

    told = capsys.readouterr().out
    assert "2024-05 us  loaded" in told
    assert "eu  was never requested or loaded" in told
    assert "us  overdue" not in told
