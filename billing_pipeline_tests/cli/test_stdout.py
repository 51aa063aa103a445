"""`--output -`: the file on stdout, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from codecs import BOM_UTF8
from pathlib import Path

import pytest

from billing_pipeline.cli import main as billing_pipeline
from billing_pipeline.warehouse import WarehouseFile
from billing_pipeline_tests.harness.command_line import CliHarness, errors
from billing_pipeline_tests.harness.terminal import terminal
from billing_pipeline_tests.landing.folders import names
from billing_pipeline_tests.warehouse.loader import month_of
from billing_pipeline_tests.warehouse.reports import load, row

PERIOD = ("--period", "2026-09")


@pytest.fixture
def month(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BILLING_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    load(WarehouseFile(tmp_path / "data"), [row(tenant_name="a\x1b[2Jb", absolute_production=1)])


@pytest.mark.parametrize(
    "command",
    [
        *(["export", *PERIOD, "--format", name] for name in ("csv", "parquet", "xlsx")),
        ["report", *PERIOD],
    ],
    ids=lambda words: words[-1],
)
def test_output__dash__same_text_as_the_file(
    month: None, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], command: list[str]
) -> None:
    assert billing_pipeline([*command, "--output", "file"]) == 0
    capfdbinary.readouterr()

    assert billing_pipeline([*command, "--output", "-"]) == 0

    # A CSV file has a byte order mark for spreadsheets; a pipe leads to a program.
    assert capfdbinary.readouterr().out == (tmp_path / "file").read_bytes().removeprefix(BOM_UTF8)
    assert names(tmp_path) == ["data", "file"]


def test_export__dash_and_terminal__text_printable_and_binary_refused(
    month: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with terminal() as (stream, read):
        with monkeypatch.context() as patched:
            patched.setattr("sys.stdout", stream)
            assert billing_pipeline(["export", *PERIOD, "--output", "-"]) == 0
            assert billing_pipeline(["export", *PERIOD, "--output", "-", "--format", "parquet"]) == 1
        printed = read()

    assert printed.startswith("billing_period,")
    assert all(line.isprintable() for line in printed.splitlines())
    assert r",a\x1b[2Jb," in printed
    (message,) = errors(capsys.readouterr().err)
    assert "is binary, and stdout is a terminal" in message


def test_export__reader_of_stdout_gone__ends_quietly(cli: CliHarness) -> None:
    load(WarehouseFile(cli.data_dir), month_of(2000))
    process = subprocess.Popen(
        [sys.executable, "-m", "billing_pipeline", "export", *PERIOD, "--output", "-"],
        env=cli.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.read(8) == b"billing_"
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
@pytest.mark.parametrize(
    "command",
    [
        ["prices", "template", *PERIOD],
        ["status", "--json"],
        ["export", *PERIOD, "--output", "-"],
        ["report", *PERIOD, "--output", "-"],
        ["--version"],
    ],
    ids=lambda words: words[0],
)
def test_command__stdout_full__one_line_error(month: None, tmp_path: Path, command: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "billing_pipeline", *command],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert done.returncode == 1
    (message,) = errors(done.stderr)
    named = "billing-pipeline" if command[0].startswith("-") else f"billing-pipeline {command[0]}"
    assert message.startswith(f"{named}: ")
    assert "No space left" in message
