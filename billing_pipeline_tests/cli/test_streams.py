"""Closed streams, and terminals that lack a character, stop no command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from billing_pipeline.warehouse import WarehouseFile
from billing_pipeline_tests.conftest import Workplace
from billing_pipeline_tests.warehouse.loader import month_of
from billing_pipeline_tests.warehouse.reports import load

PERIOD = "2026-09"


def with_closed(workplace: Workplace, closed: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, "-m", "billing_pipeline", *arguments],
        env=workplace.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_closed_stream_is_done_without(workplace: Workplace) -> None:
    assert workplace.command("run", "--period", PERIOD).returncode == 0

    for closed in (">&-", "<&- >&- 2>&-"):
        for arguments in (["status"], ["run", "--replay", "--period", PERIOD]):
            done = with_closed(workplace, closed, *arguments)
            assert done.returncode == 0, done.stderr
            assert "Traceback" not in done.stderr
    assert workplace.query("SELECT count(*) > 0 AS loaded FROM usage") == [{"loaded": True}]


@pytest.mark.parametrize(("command", "name"), [("export", "Exporté.csv"), ("report", "Übersicht.html")])
def test_a_name_that_the_terminal_lacks_a_character_of(tmp_path: Path, command: str, name: str) -> None:
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
