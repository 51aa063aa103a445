"""Disk full or not writable: one clear line, and existing data is unchanged."""

from __future__ import annotations

import resource
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from billing_pipeline.warehouse import WarehouseFile
from billing_pipeline_tests.faults.sandbox import FaultySandbox
from billing_pipeline_tests.harness.command_line import CliHarness, errors
from billing_pipeline_tests.harness.processes import run_command
from billing_pipeline_tests.warehouse.reports import load, row

pytestmark = pytest.mark.slow

PERIOD = "2026-09"


def run_with_largest_file(cli: CliHarness, kib: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`run`, where no file can grow beyond a size: writing fails as on a full disk."""
    limits = (kib * 1024, kib * 1024)
    return subprocess.run(
        [sys.executable, "-m", "billing_pipeline", "run", "--period", PERIOD, *arguments],
        env=cli.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limits),
    )


def content(cli: CliHarness) -> list[dict[str, object]]:
    return cli.query("SELECT * FROM usage ORDER BY report_row")


def test_run__disk_full__data_kept_and_next_run_loads(cli: CliHarness) -> None:
    with FaultySandbox(tenants=60, ready_after_seconds=0.1) as sandbox:
        cli.environment["ACRONIS_BASE_URL"] = sandbox.base_url
        assert cli.command("run", "--period", PERIOD).returncode == 0
        before = content(cli)
        files = {path for path in cli.data_dir.rglob("*") if "dagster" not in path.parts}

        for step, arguments in (("the download", ()), ("the warehouse", ("--replay",))):
            done = run_with_largest_file(cli, 1000, *arguments)

            assert done.returncode == 1
            (message,) = errors(done.stderr)
            assert "File too large" in message, step
            assert "Traceback" not in done.stderr
            assert content(cli) == before
            left = {path for path in cli.data_dir.rglob("*") if "dagster" not in path.parts} - files
            assert {path.parent.name for path in left if path.is_file()} <= {"warehouse.attempts"}

        assert cli.command("run", "--period", PERIOD).returncode == 0


@pytest.mark.parametrize("name", ["usage.csv", "usage.parquet", "usage.xlsx", "page.html"])
# The sheet of few rows fails when it is closed, the sheet of many earlier.
@pytest.mark.parametrize("rows", [1, 300])
def test_export_and_report__disk_full__names_the_target_and_keeps_it(
    cli: CliHarness, warehouse: WarehouseFile, tmp_path: Path, name: str, rows: int
) -> None:
    load(warehouse, [row(offering_item=f"item {n}", absolute_production=n) for n in range(rows)])
    target = tmp_path / "out" / name
    target.parent.mkdir()
    target.write_text("the old one")
    command = ["report"] if name == "page.html" else ["export", "--table", "usage"]

    done = run_command(
        [*command, "--period", PERIOD, "--output", str(target)],
        cli.environment,
        prepare=partial(resource.setrlimit, resource.RLIMIT_FSIZE, (1000, 1000)),
    )

    assert done.returncode == 1
    (message,) = done.stderr.splitlines()
    assert f"{target} could not be written: " in message
    assert "File too large" in message
    assert "warehouse" not in message
    assert target.read_text() == "the old one"
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("below", ["file/data", "file"])
def test_run__data_folder_impossible__one_clear_error(cli: CliHarness, tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("in the way")

    done = cli.command("run", "--period", PERIOD, settings={"BILLING_DATA_DIR": str(tmp_path / below)})

    assert done.returncode == 1
    (message,) = errors(done.stderr)
    assert "BILLING_DATA_DIR" in message
