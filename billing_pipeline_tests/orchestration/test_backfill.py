"""Many periods in one command: one process waits for all, and a period that fails costs no other."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter

import psutil
import pytest
from dagster import DagsterInstance, DagsterRunStatus

from billing_pipeline_tests.faults.sandbox import FaultySandbox
from billing_pipeline_tests.harness.command_line import CliHarness, errors
from billing_pipeline_tests.harness.request_log import most_at_once

pytestmark = pytest.mark.kill

# One more than the highest limit of open reports.
RANGE = ("--from", "2026-06", "--to", "2026-09")
PERIODS = [f"2026-{month:02d}" for month in range(6, 10)]
# Three for each of two commands, so that they overlap.
OF_TWO_COMMANDS = [f"2026-{month:02d}" for month in range(4, 10)]


def loaded(cli: CliHarness) -> list[str]:
    rows = cli.query("SELECT DISTINCT strftime(billing_period, '%Y-%m') AS p FROM usage ORDER BY p")
    return [row["p"] for row in rows]


def test_run__range_of_periods__waits_together_within_the_limit(cli: CliHarness) -> None:
    with FaultySandbox(tenants=4, ready_after_seconds=2) as sandbox:
        done = cli.command(
            "run",
            *RANGE,
            settings={"BILLING_OPEN_REPORTS": "3", "ACRONIS_BASE_URL": sandbox.base_url},
            timeout=240,
        )
        assert done.returncode == 0, done.stderr
        assert loaded(cli) == PERIODS
        assert sandbox.reports_created == len(PERIODS)
        assert most_at_once(sandbox.requests)["open_reports"] == 3


def test_run__one_period_fails__the_others_are_loaded(cli: CliHarness, sandbox: FaultySandbox) -> None:
    sandbox.set_faults({"use": "json_nan", "first_reports": 1})

    done = cli.command("run", *RANGE, timeout=240)

    assert done.returncode == 1
    (message,) = errors(done.stderr)
    there = loaded(cli)
    (failed,) = set(PERIODS) - set(there)
    assert f"period {failed}" in message

    again = cli.command("run", "--period", failed)

    assert again.returncode == 0, again.stderr
    assert loaded(cli) == PERIODS
    assert sandbox.reports_created == len(PERIODS) + 1


def test_run__signal_while_periods_wait__ends_soon_with_one_line(
    cli: CliHarness, sandbox: FaultySandbox
) -> None:
    sandbox.set_faults("stored_in_progress_always")
    process = subprocess.Popen(
        [sys.executable, "-m", "billing_pipeline", "run", *RANGE],
        env={**cli.environment, "ACRONIS_POLL_INTERVAL_SECONDS": "60", "BILLING_OPEN_REPORTS": "3"},
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stderr is not None
        lines: list[str] = []
        while sum("waiting for Acronis" in line for line in lines) < 3:
            lines.append(process.stderr.readline())
            assert lines[-1], lines
        assert not psutil.Process(process.pid).children(), "one process for all periods"
        process.send_signal(signal.SIGTERM)
        _, ending = process.communicate(timeout=20)
    assert process.returncode == 130
    assert errors(ending) == ["billing-pipeline run: interrupted; run it again to go on"]
    assert "Traceback" not in ending
    assert sandbox.reports_created == 3, "no period beyond the limit was requested"


def test_run__two_commands_at_once__share_the_limit(cli: CliHarness) -> None:
    limits = {"BILLING_OPEN_REPORTS": "2"}
    with FaultySandbox(tenants=4, ready_after_seconds=1) as sandbox:
        environment = cli.with_settings({**limits, "ACRONIS_BASE_URL": sandbox.base_url})
        commands = [
            subprocess.Popen(
                [sys.executable, "-m", "billing_pipeline", "run", "--from", first, "--to", last],
                env=environment,
                stderr=subprocess.PIPE,
                text=True,
            )
            for first, last in (("2026-04", "2026-06"), ("2026-07", "2026-09"))
        ]
        for command in commands:
            _, stderr = command.communicate(timeout=240)
            assert command.returncode == 0, stderr
        assert most_at_once(sandbox.requests)["open_reports"] == 2
    assert loaded(cli) == OF_TWO_COMMANDS


def test_run__killed_while_downloading__next_run_continues_every_report(
    cli: CliHarness, sandbox: FaultySandbox
) -> None:
    sandbox.set_faults({"route": "download", "fault": {"type": "silence", "how": "hang"}})
    tight = cli.with_settings({"BILLING_OPEN_REPORTS": "2"})
    process = subprocess.Popen(
        [sys.executable, "-m", "billing_pipeline", "run", *RANGE], env=tight, stderr=subprocess.DEVNULL
    )
    while not any(request["route"] == "download" for request in sandbox.requests):
        assert process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.wait()
    sandbox.set_faults()

    done = cli.command("run", *RANGE, settings=tight, timeout=240)

    assert done.returncode == 0, done.stderr
    assert loaded(cli) == PERIODS
    assert sandbox.reports_created == len(PERIODS), "the reports that were open are continued"
    with DagsterInstance.from_config(str(cli.data_dir / "dagster")) as instance:
        ended = Counter(run.status for run in instance.get_runs())
    assert ended[DagsterRunStatus.SUCCESS] == len(PERIODS)
    assert set(ended) <= {DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE}, "none is in progress"
