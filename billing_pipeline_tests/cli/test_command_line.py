"""What a person expects of any command line: suggestions, pipes, exit statuses, misspelt settings named."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path

import pytest

from billing_pipeline.cli import main as billing_pipeline
from billing_pipeline.periods import SINGLE_ACCOUNT, BillingPeriod
from billing_pipeline.warehouse import LoadAttempt, WarehouseFile
from billing_pipeline.warehouse.history import record
from billing_pipeline_tests.harness.command_line import CliHarness, warnings_and_errors
from billing_pipeline_tests.warehouse.reports import load, row


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WarehouseFile:
    monkeypatch.setenv("BILLING_DATA_DIR", str(tmp_path))
    warehouse = WarehouseFile(tmp_path)
    last = BillingPeriod.last_complete()
    for period in (last.previous(), last):
        load(warehouse, [row(absolute_production=18)], period)
    return warehouse


@pytest.mark.parametrize(
    ("words", "suggestion"),
    [
        (["statsu"], "'status'"),
        (["run", "--perid", "2026-09"], "'--period'"),
        (["sql", "--formt", "csv"], "'--format'"),
    ],
)
def test_cli__misspelt_word__suggests(
    capsys: pytest.CaptureFixture[str], words: list[str], suggestion: str
) -> None:
    assert billing_pipeline(words) == 2

    assert f"Did you mean {suggestion}?" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["-"], ["--file", "-"]], ids=["none", "dash", "file"])
def test_sql__query_on_stdin__is_executed(
    warehouse: WarehouseFile,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("SELECT 'Müller' AS name".encode())))

    assert billing_pipeline(["sql", *words, "--format", "csv"]) == 0

    assert capsys.readouterr().out == "name\nMüller\n"


def test_sql__query_in_file__is_executed(
    warehouse: WarehouseFile, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "query.sql").write_text(
        "SELECT count(*) AS n\nFROM usage; -- both months\n", encoding="utf-8"
    )

    assert billing_pipeline(["sql", "-f", str(tmp_path / "query.sql"), "--format", "csv"]) == 0
    assert billing_pipeline(["sql", "-f", str(tmp_path / "query.sql"), "FROM usage"]) == 2

    output = capsys.readouterr()
    assert output.out == "n\n2\n"
    assert "not both" in output.err


def test_status__json__one_object_a_month(
    warehouse: WarehouseFile, capsys: pytest.CaptureFixture[str]
) -> None:
    assert billing_pipeline(["status", "--json"]) == 0

    found = json.loads(capsys.readouterr().out)
    last = BillingPeriod.last_complete()
    assert [month["period"] for month in found["periods"]] == [last.previous().key, last.key]
    assert found["overdue"] == []
    for month in found["periods"]:
        assert month["rows"] == 1
        assert month["state"] == month["last_outcome"] == "loaded"
        assert month["control_totals"]["quantity"]["absolute_total"] == 18
        assert {"name", "severity", "passed", "detail"} == set(month["checks"][0])


def test_status__check__3_if_a_month_needs_attention(warehouse: WarehouseFile) -> None:
    silence = "UPDATE load_checks SET passed = true"
    warehouse.change(lambda connection: connection.execute(silence))
    assert billing_pipeline(["status", "--check"]) == 0

    warehouse.change(
        lambda connection: connection.execute("UPDATE load_checks SET passed = check_name <> 'level'")
    )
    assert billing_pipeline(["status", "--check"]) == 3
    assert billing_pipeline(["status"]) == 0

    warehouse.change(lambda connection: connection.execute(silence))
    failed = LoadAttempt(
        period=BillingPeriod.last_complete(), account=SINGLE_ACCOUNT, outcome="failed", reason="no disk"
    )
    warehouse.change(lambda connection: record(connection, failed))
    assert billing_pipeline(["status", "--check"]) == 3


def test_status__check_and_overdue_month__is_3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BILLING_DATA_DIR", str(tmp_path))
    warehouse = WarehouseFile(tmp_path)
    load(warehouse, [row(absolute_production=18)], BillingPeriod(2026, 1))
    warehouse.change(lambda connection: connection.execute("UPDATE load_checks SET passed = true"))

    assert billing_pipeline(["status", "--check"]) == 3


def test_status__misspelt_setting__warns_with_suggestion(cli: CliHarness) -> None:
    settings = {"ACRONIS_CLIENTID": "x", "BILLING_DATADIR": "/elsewhere", "BILLING_ACCOUNTS": "eu"}
    settings |= {"ACRONIS_EU_TENANTID": "y", "ACRONIS_EU_CLIENT_ID": "fine"}

    done = cli.command("status", settings={**settings, "ACRONIS_TENANT_ID": None})

    assert warnings_and_errors(done.stderr) == [
        "warning: ACRONIS_CLIENTID is not a setting; did you mean ACRONIS_CLIENT_ID?",
        "warning: ACRONIS_EU_TENANTID is not a setting; did you mean ACRONIS_EU_TENANT_ID?",
        "warning: BILLING_DATADIR is not a setting; did you mean BILLING_DATA_DIR?",
    ]


def test_run__last__is_the_last_complete_month(cli: CliHarness) -> None:
    done = cli.command("run", "--period", "last")

    assert done.stdout.startswith(f"{BillingPeriod.last_complete()}  loaded, "), done.stderr


def test_run__check_warns__result_names_it(cli: CliHarness) -> None:
    assert cli.command("run", "--period", "2026-08").returncode == 0
    threefold = "INSERT INTO usage SELECT usage.* FROM usage, range(2)"
    WarehouseFile(cli.data_dir).change(lambda connection: connection.execute(threefold))

    done = cli.command("run", "--period", "2026-09")

    assert done.returncode == 0
    assert re.fullmatch(
        r"2026-09  loaded, [\d,]+ rows; 1 check warns: completeness \(see billing-pipeline status\)\n",
        done.stdout,
    ), done.stdout
