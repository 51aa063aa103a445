"""Many periods in one command: they wait together, and one that fails does not cost the others."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress

import psutil
from dagster import DagsterInstance, DagsterRunStatus

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
        env={**workplace.environment, "ACRONIS_POLL_INTERVAL_SECONDS": "60", "BILLING_OPEN_REPORTS": "3"},
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stderr is not None
        told: list[str] = []
        for what in (
            "waiting for Acronis to generate",
            "other runs have as many open reports as are allowed",
        ):
            while sum(what in line for line in told) < 3:
                told.append(process.stderr.readline())
                assert told[-1], told
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGTERM)
        _, ending = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in ending
    _, alive = psutil.wait_procs(children, timeout=30)
    assert not alive


def test_commands_at_the_same_time_share_the_limits(workplace: Workplace) -> None:
    limits = {"BILLING_OPEN_REPORTS": "2", "BILLING_PARALLEL_DOWNLOADS": "1"}
    with Sandbox(tenants=4, ready_after_seconds=1) as sandbox:
        # Half a second for each file, so that downloads would meet.
        sandbox.set_faults({"route": "download", "fault": {"type": "delay", "seconds": 0.5}})
        environment = workplace.with_settings({**limits, "ACRONIS_BASE_URL": sandbox.base_url})
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
            _, told = command.communicate(timeout=240)
            assert command.returncode == 0, told
        assert sandbox.most_at_once == {"open_reports": 2, "downloads": 1}
    assert loaded(workplace) == PERIODS


def test_a_command_that_was_killed_leaves_nothing_taken(workplace: Workplace, sandbox: Sandbox) -> None:
    sandbox.set_faults({"route": "download", "fault": {"type": "silence", "how": "hang"}})
    tight = workplace.with_settings({"BILLING_OPEN_REPORTS": "2", "BILLING_PARALLEL_DOWNLOADS": "1"})
    process = subprocess.Popen(
        [sys.executable, "-m", "billing_pipeline", "run", *RANGE], env=tight, stderr=subprocess.DEVNULL
    )
    while not any(request["route"] == "download" for request in sandbox.requests):
        assert process.poll() is None
        time.sleep(0.05)
    everybody = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    for each in everybody:
        with suppress(psutil.NoSuchProcess):
            each.kill()
    process.wait()
    sandbox.set_faults()

    done = workplace.command("run", *RANGE, settings=tight, timeout=240)

    assert done.returncode == 0, done.stderr
    assert loaded(workplace) == PERIODS
    assert sandbox.reports_created == len(PERIODS), "the reports that were open are continued"
    with DagsterInstance.from_config(str(workplace.data_dir / "dagster")) as instance:
        ended = Counter(run.status for run in instance.get_runs())
    assert ended[DagsterRunStatus.SUCCESS] == len(PERIODS)
    assert ended[DagsterRunStatus.FAILURE] > 0, "the killed ones"
    assert set(ended) == {DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE}
