"""Closed and full streams, and encodings that lack a character, do not stop a command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from billing_pipeline.warehouse import WarehouseFile
from billing_pipeline_tests.harness.command_line import CliHarness
from billing_pipeline_tests.warehouse.loader import month_of
from billing_pipeline_tests.warehouse.reports import load

pytestmark = pytest.mark.slow

PERIOD = "2026-09"


def redirected(cli: CliHarness, redirection: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", f'exec "$@" {redirection}', "sh", sys.executable, "-m", "billing_pipeline", *arguments],
        env=cli.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_run__unusable_streams__loads_anyway(cli: CliHarness) -> None:
    assert cli.command("run", "--period", PERIOD).returncode == 0

    for redirection in (">&-", "<&- >&- 2>&-", "2>/dev/full"):
        for arguments in (["status"], ["run", "--replay", "--period", PERIOD]):
            done = redirected(cli, redirection, *arguments)
            assert done.returncode == 0, done.stderr
            assert "Traceback" not in done.stderr
    (loads,) = cli.query("SELECT count(*) AS n FROM load_history WHERE outcome = 'loaded'")
    assert loads == {"n": 4}
    assert cli.query("SELECT count(*) > 0 AS loaded FROM usage") == [{"loaded": True}]


@pytest.mark.parametrize(("command", "name"), [("export", "Exporté.csv"), ("report", "Übersicht.html")])
def test_export__encoding_lacks_character__name_escaped(tmp_path: Path, command: str, name: str) -> None:
    load(WarehouseFile(tmp_path), month_of(1))

    done = subprocess.run(
        [sys.executable, "-m", "billing_pipeline", command, "--period", PERIOD, "--output", name],
        cwd=tmp_path,
        env=os.environ | {"PYTHONIOENCODING": "ascii", "BILLING_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(name.encode("ascii", "backslashreplace").decode())
    assert (tmp_path / name).exists()
