"""Many periods in one command: they wait together, and one that fails does not cost the others."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import psutil

from billing_pipeline.sandbox import Sandbox
from billing_pipeline_tests.conftest import Workplace

RANGE = ("--from", "2026-04", "--to", "2026-09")
PERIODS = [f"2026-{month:02d}" for month in range(4, 10)]


def loaded(workplace: Workplace) -> list[str]:
    rows = workplace.query("SELECT DISTINCT strftime(billing_period, '%Y-%m') AS p FROM usage ORDER BY p")
    return [row["p"] for row in rows]


def test_periods_wait_together_but_no_more_than_allowed(workplace: Workplace) -> None:
    with Sandbox(tenants=4, ready_after_seconds=2) as sandbox:
        done = workplace.command(
            "run",
            *RANGE,
            settings={"BILLING_OPEN_REPORTS": "3", "ACRONIS_BASE_URL": sandbox.base_url},
            timeout=240,
        )
        assert done.returncode == 0, done.stderr
        assert loaded(workplace) == PERIODS
        assert sandbox.reports_created == len(PERIODS)
        assert sandbox.most_at_once["open_reports"] == 3


def test_a_period_that_fails_does_not_cost_the_others(workplace: Workplace, sandbox: Sandbox) -> None:
    sandbox.set_faults({"use": "json_nan", "first_reports": 1})

    done = workplace.command("run", *RANGE, timeout=240)

    assert done.returncode == 1
    (message,) = (line for line in done.stderr.splitlines() if line.startswith("billing-pipeline run:"))
    there = loaded(workplace)
    (failed,) = set(PERIODS) - set(there)
    assert f"period {failed}" in message

    again = workplace.command("run", "--period", failed)

    assert again.returncode == 0, again.stderr
    assert loaded(workplace) == PERIODS
    assert sandbox.reports_created == len(PERIODS) + 1


def test_a_signal_ends_every_process(workplace: Workplace, sandbox: Sandbox) -> None:
    sandbox.set_faults("stored_in_progress_always")
    process = subprocess.Popen(
        [sys.executable, "-m", "billing_pipeline", "run", *RANGE],
        env={**workplace.environment, "ACRONIS_POLL_INTERVAL_SECONDS": "60"},
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        while sum(request["route"] == "stored_reports" for request in sandbox.requests) < len(PERIODS):
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in told
    _, alive = psutil.wait_procs(children, timeout=30)
    assert not alive
