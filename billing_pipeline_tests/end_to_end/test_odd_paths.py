"""Folders with long names, or with names that are not UTF-8."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from billing_pipeline_tests.faults.sandbox import FaultySandbox
from billing_pipeline_tests.harness.command_line import CliHarness, errors
from billing_pipeline_tests.ui.conftest import start_ui

pytestmark = pytest.mark.slow

TWO_MONTHS = ("--from", "2026-08", "--to", "2026-09")


@pytest.fixture
def long_tmpdir(tmp_path: Path) -> Path:
    """A folder for temporary files whose path is longer than that of a Unix socket may be."""
    folder = tmp_path / ("temporary" * 14)
    folder.mkdir(parents=True)
    return folder


def test_run__long_tmpdir__loads_several_months(cli: CliHarness, long_tmpdir: Path) -> None:
    done = cli.command("run", *TWO_MONTHS, settings={"TMPDIR": str(long_tmpdir)})

    assert done.returncode == 0, done.stderr


def test_ui__long_tmpdir__starts(cli: CliHarness, long_tmpdir: Path, tmp_path: Path) -> None:
    cli.environment["TMPDIR"] = str(long_tmpdir)

    start_ui(cli, tmp_path / "ui.log").stop()


@pytest.mark.parametrize("command", [("run", *TWO_MONTHS), ("status",), ("sql", "FROM usage")])
def test_data_folder__not_utf_8__is_refused_before_anything_is_sent(
    cli: CliHarness, sandbox: FaultySandbox, tmp_path: Path, command: tuple[str, ...]
) -> None:
    folder = os.fsencode(tmp_path) + b"/Kundendaten-M\xfcller"

    done = subprocess.run(
        [sys.executable, "-m", "billing_pipeline", *command],
        env={
            **{os.fsencode(k): os.fsencode(v) for k, v in cli.environment.items()},
            b"BILLING_DATA_DIR": folder,
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    (message,) = errors(done.stderr)
    assert "BILLING_DATA_DIR (the data folder): its path is not UTF-8" in message
    assert sandbox.requests == []
    assert not Path(os.fsdecode(folder)).exists()
