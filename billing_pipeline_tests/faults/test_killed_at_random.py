"""Killed at any moment: the warehouse holds a whole month or none, and no report is ordered for nothing."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest

from billing_pipeline.sandbox import Sandbox
from billing_pipeline_tests.conftest import Workplace
from billing_pipeline_tests.faults.conftest import PERIOD
from billing_pipeline_tests.faults.whole_run import READY

KILLS = 48
STATE = {"warehouse.duckdb", "warehouse.lock", f"{PERIOD}.json", f"{PERIOD}.lock"}
RAW = {"json_v2_0.json", "csv_v2_0.csv", "manifest.json"}


def start(sandbox: Sandbox, data_dir: Path) -> subprocess.Popen[str]:
    """A run that has imported everything, so that a moment is a moment of its work."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "billing_pipeline_tests.faults.whole_run"),
            *(sandbox.base_url, sandbox.client_id, str(data_dir)),
        ],
        env={**os.environ, "SECRET": sandbox.client_secret},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == READY
    return process


def assert_whole_month_or_none(sandbox: Sandbox, data_dir: Path) -> None:
    path = data_dir / "warehouse.duckdb"
    if not path.exists():
        return
    with duckdb.connect(str(path), read_only=True) as connection:
        rows, reports, total = connection.execute(
            "SELECT count(*), count(DISTINCT report_id), sum(absolute_total) FROM usage"
        ).fetchall()[0]
    expected: dict[str, Any] = dict(sandbox.totals(PERIOD.key))
    if rows:
        measured = sum(unit["absolute_total"] for unit in expected["units"].values())
        assert (rows, reports, total) == (expected["rows"], 1, measured)


@pytest.mark.timeout(400)
def test_killed_at_random_moments(tmp_path: Path) -> None:
    moments = random.Random(2026)
    with Sandbox(tenants=30, ready_after_seconds=0.05) as sandbox:
        began = time.monotonic()
        with start(sandbox, tmp_path) as process:
            assert process.wait() == 0
        whole = time.monotonic() - began
        killed = 0
        while killed < KILLS:
            with start(sandbox, tmp_path) as process:
                time.sleep(moments.uniform(0, whole))
                process.kill()
                killed += process.wait() != 0
            assert_whole_month_or_none(sandbox, tmp_path)

        with start(sandbox, tmp_path) as process:
            assert process.wait() == 0
        assert_whole_month_or_none(sandbox, tmp_path)
        with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as connection:
            loaded = connection.execute(
                "SELECT count(DISTINCT report_id) FROM load_history WHERE outcome = 'loaded'"
            ).fetchall()[0][0]
        # Every report that was ordered was loaded in the end: none was ordered for nothing.
        assert sandbox.reports_created == loaded
        assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == STATE | RAW


@pytest.mark.parametrize("seconds", [3.0, 4.5, 6.0])
def test_the_command_is_killed_and_run_again(workplace: Workplace, sandbox: Sandbox, seconds: float) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "billing_pipeline", "run", "--period", PERIOD.key],
        env=workplace.environment,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(seconds)
    process.kill()
    process.wait()
    assert_whole_month_or_none(sandbox, workplace.data_dir)

    again = workplace.command("run", "--period", PERIOD.key)

    assert again.returncode == 0, again.stderr
    rows = workplace.query("SELECT count(*) AS n FROM usage")[0]["n"]
    assert rows == sandbox.totals(PERIOD.key)["rows"]
