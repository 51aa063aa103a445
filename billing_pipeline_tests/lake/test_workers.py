"""Two machines load four months into one lake at once; one is killed and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from billing_pipeline.errors import WarehouseError
from billing_pipeline.periods import BillingPeriod, periods_between
from billing_pipeline.sandbox import Sandbox
from billing_pipeline.warehouse import Warehouse
from billing_pipeline_tests.harness.command_line import CliHarness
from billing_pipeline_tests.lake.conftest import LakePlace
from billing_pipeline_tests.warehouse.reports import query

FIRST, LAST = BillingPeriod(2026, 6), BillingPeriod(2026, 9)
_ROWS = """
    SELECT strftime(billing_period, '%Y-%m') AS period, measurement_unit AS unit, count(*) AS n,
        count(DISTINCT report_id) AS reports, sum(absolute_total)::BIGINT AS absolute_total,
        sum(delta_total)::BIGINT AS delta_total
    FROM usage GROUP BY ALL ORDER BY ALL
"""


def start(cli: CliHarness, data_dir: Path) -> subprocess.Popen[str]:
    """A machine: a data folder of its own, and the lake that all share."""
    return subprocess.Popen(
        [sys.executable, "-m", "billing_pipeline", "run", "--from", FIRST.key, "--to", LAST.key],
        env=cli.with_settings({"BILLING_DATA_DIR": str(data_dir), "BILLING_OPEN_REPORTS": "2"}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finished(process: subprocess.Popen[str]) -> tuple[int, str]:
    errors = process.communicate()[1]
    return process.returncode, "" if process.returncode == 0 else errors


def kill_with_all_that_it_started(process: subprocess.Popen[str]) -> None:
    family = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
    for each in family:
        each.send_signal(signal.SIGKILL)
    psutil.wait_procs(family)
    process.communicate()


@pytest.mark.timeout(1200)
def test_run__two_machines_and_a_kill__every_month_once(
    cli: CliHarness, sandbox: Sandbox, new_lake: Warehouse, place: LakePlace, tmp_path: Path
) -> None:
    cli.environment |= {**place.settings, "PATH": os.environ["PATH"]}
    one, other = (start(cli, tmp_path / name) for name in ("one", "other"))
    while not loaded(new_lake):
        assert one.poll() is None, finished(one)
        time.sleep(0.5)
    kill_with_all_that_it_started(one)
    again = start(cli, tmp_path / "one")

    assert finished(other) == (0, "")
    assert finished(again) == (0, "")
    totals: dict[BillingPeriod, dict[str, Any]] = {
        period: dict(sandbox.totals(period.key)) for period in periods_between(FIRST, LAST)
    }
    expected = [
        {
            "period": period.key,
            "unit": unit,
            "n": sums["rows"],
            "reports": 1,
            "absolute_total": sums["absolute_total"],
            "delta_total": sums["delta_total"],
        }
        for period, sums_of in totals.items()
        for unit, sums in sorted(sums_of["units"].items())
    ]
    assert query(new_lake, _ROWS) == expected


def loaded(warehouse: Warehouse) -> int:
    """How many months are there; none while there is no lake."""
    try:
        return int(query(warehouse, "SELECT count(DISTINCT billing_period) AS n FROM usage")[0]["n"])
    except WarehouseError:
        return 0
