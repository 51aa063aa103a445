"""`billing-pipeline status`: one damaged file does not hide the other periods."""

from __future__ import annotations

from pathlib import Path

import pytest

from billing_pipeline.charges import close_period
from billing_pipeline.cli import main as billing_pipeline
from billing_pipeline.periods import SINGLE_ACCOUNT, BillingPeriod
from billing_pipeline.warehouse import LoadAttempt, WarehouseFile
from billing_pipeline.warehouse.history import record
from billing_pipeline_tests.harness.command_line import errors
from billing_pipeline_tests.warehouse.reports import load, row


def test_status__damaged_state_file__named_and_periods_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BILLING_DATA_DIR", str(tmp_path))
    load(WarehouseFile(tmp_path), [row(absolute_production=18)])
    requests = tmp_path / "requests"
    requests.mkdir()
    (requests / "2026-08.json").write_text("{", encoding="utf-8")
    (requests / "2026-99.json").write_text("{}", encoding="utf-8")

    assert billing_pipeline(["status"]) == 1

    output = capsys.readouterr()
    assert "2026-09" in output.out
    assert "quantity 18" in output.out
    damaged, misnamed = errors(output.err)
    assert f"{requests / '2026-08.json'} is not the state" in damaged
    assert misnamed == f"{requests / '2026-99.json'} is not named after a period. Move the file away."


def test_status__closed_then_failed_attempt__still_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BILLING_DATA_DIR", str(tmp_path))
    warehouse = WarehouseFile(tmp_path)
    load(warehouse, [row(absolute_production=18)])
    close_period(warehouse, BillingPeriod(2026, 9))
    failed = LoadAttempt(
        period=BillingPeriod(2026, 9), account=SINGLE_ACCOUNT, outcome="failed", reason="no disk"
    )
    warehouse.change(lambda connection: record(connection, failed))

    assert billing_pipeline(["status"]) == 0

    assert "loaded, closed; last attempt failed" in capsys.readouterr().out


def test_status__months_with_the_same_finding__named_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BILLING_DATA_DIR", str(tmp_path))
    warehouse = WarehouseFile(tmp_path)
    for month in (7, 8, 9):
        load(warehouse, [row(absolute_production=18)], BillingPeriod(2026, month))
    found = "passed = false, detail = CASE WHEN billing_period = '2026-09-01' THEN 'other' ELSE 'same' END"
    warehouse.change(
        lambda connection: connection.execute(f"UPDATE load_checks SET {found} WHERE check_name = 'level'")
    )

    assert billing_pipeline(["status"]) == 0

    notes = [line for line in capsys.readouterr().out.splitlines() if "  level (" in line]
    assert notes == ["2026-07, 2026-08  level (warn): same", "2026-09  level (warn): other"]


def test_status__account_removed_from_settings__not_overdue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BILLING_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("BILLING_ACCOUNTS", "eu")
    load(WarehouseFile(tmp_path), [row(absolute_production=18)], BillingPeriod(2024, 5), account="us")

    assert billing_pipeline(["status"]) == 0

    output = capsys.readouterr().out
    assert "2024-05 us  loaded" in output
    assert "eu  was never requested or loaded" in output
    assert "us  overdue" not in output
