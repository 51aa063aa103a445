"""Runs killed at random moments: the warehouse has a complete month or none, and every report is used."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pydantic import SecretStr

from billing_pipeline.acronis import AcronisClient
from billing_pipeline.loading.load import load_period
from billing_pipeline.ordering import await_stored_reports, download_report, request_report
from billing_pipeline.periods import SINGLE_ACCOUNT
from billing_pipeline.reports import ReportParameters
from billing_pipeline.warehouse import WarehouseFile
from billing_pipeline_tests.faults.sandbox import FaultySandbox
from billing_pipeline_tests.harness import processes
from billing_pipeline_tests.harness.command_line import CliHarness
from billing_pipeline_tests.harness.faults import PERIOD, QUICK

pytestmark = pytest.mark.kill

KILLS = 48
STATE = {"warehouse.duckdb", "warehouse.lock", f"{PERIOD}.json", f"{PERIOD}.lock"}
RAW = {"json_v2_0.json", "csv_v2_0.csv", "manifest.json"}


def whole_run(base_url: str, client_id: str, client_secret: str, data_dir: Path) -> None:
    """What the assets do for one period, without Dagster, whose start would take longer than all of it."""
    warehouse = WarehouseFile(data_dir)
    secret = SecretStr(client_secret)
    with AcronisClient(f"{base_url}/api/2", client_id, secret, retry_policy=QUICK) as client:
        parameters = ReportParameters(client.own_tenant_id(), PERIOD, "usage_summary", "direct_partners")
        request_report(client, data_dir, parameters, first_wait=0.02, timeout=60)
        await_stored_reports(client, data_dir, PERIOD, first_wait=0.02, timeout=60)
        download_report(client, data_dir, PERIOD)
    load_period(data_dir, warehouse, PERIOD, account=SINGLE_ACCOUNT, run_id="whole_run")


def start(sandbox: FaultySandbox, data_dir: Path) -> BaseProcess:
    return processes.start(whole_run, sandbox.base_url, sandbox.client_id, sandbox.client_secret, data_dir)


def run_to_the_end(sandbox: FaultySandbox, data_dir: Path) -> None:
    process = start(sandbox, data_dir)
    process.join()
    assert process.exitcode == 0


def assert_whole_month_or_none(sandbox: FaultySandbox, data_dir: Path) -> None:
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


def test_ordering__killed_at_random_moments__one_whole_report(tmp_path: Path) -> None:
    moments = random.Random(2026)
    with FaultySandbox(tenants=30, ready_after_seconds=0.05) as sandbox:
        run_to_the_end(sandbox, tmp_path)
        began = time.monotonic()
        run_to_the_end(sandbox, tmp_path)
        whole = time.monotonic() - began
        killed = 0
        while killed < KILLS:
            began = time.monotonic()
            process = start(sandbox, tmp_path)
            process.join(moments.uniform(0, whole))
            if process.exitcode == 0:
                # The first run was slower than usual: a busy machine must not let most runs end.
                whole = min(whole, time.monotonic() - began)
            process.kill()
            process.join()
            assert process.exitcode in {0, -signal.SIGKILL}
            killed += process.exitcode != 0
            assert_whole_month_or_none(sandbox, tmp_path)

        run_to_the_end(sandbox, tmp_path)
        assert_whole_month_or_none(sandbox, tmp_path)
        with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as connection:
            loaded = connection.execute(
                "SELECT count(DISTINCT report_id) FROM load_history WHERE outcome = 'loaded'"
            ).fetchall()[0][0]
        # Every report that was requested was loaded in the end.
        assert sandbox.reports_created == loaded
        assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == STATE | RAW


@pytest.mark.parametrize("route", ["create_report", "download"])
def test_run_command__killed_then_repeated__whole_month(
    cli: CliHarness, sandbox: FaultySandbox, route: str
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "billing_pipeline", "run", "--period", PERIOD.key],
        env=cli.environment,
        stderr=subprocess.DEVNULL,
    )
    while not any(each["route"] == route for each in sandbox.requests):
        assert process.poll() is None
        time.sleep(0.005)
    process.kill()
    process.wait()
    assert_whole_month_or_none(sandbox, cli.data_dir)

    again = cli.command("run", "--period", PERIOD.key)

    assert again.returncode == 0, again.stderr
    rows = cli.query("SELECT count(*) AS n FROM usage")[0]["n"]
    assert rows == sandbox.totals(PERIOD.key)["rows"]
    assert sandbox.reports_created == 1
