"""A run killed at any request: the next run continues, with one report, complete files and no leftovers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest
from dagster import DagsterInstance, DagsterRunStatus

from billing_pipeline.orchestration.jobs import MONTHLY_USAGE as JOB
from billing_pipeline_tests.faults.sandbox import FaultySandbox
from billing_pipeline_tests.harness.command_line import CliHarness
from billing_pipeline_tests.harness.faults import FaultHarness, is_whole

pytestmark = pytest.mark.kill

DEFINITIONS = "billing_pipeline.definitions"

REQUESTS_OF_A_RUN = [
    *("token", "client", "tenant_reports", "create_report"),
    *("stored_reports", "stored_reports", "download", "download"),
]


def start(harness: FaultHarness) -> subprocess.Popen[bytes]:
    arguments = [harness.sandbox.base_url, harness.sandbox.client_id, str(harness.data_dir)]
    return subprocess.Popen(
        [sys.executable, "-m", "billing_pipeline_tests.faults.one_run", *arguments],
        env={**os.environ, "SECRET": harness.sandbox.client_secret},
        stdout=subprocess.PIPE,
    )


def wait_for_requests(harness: FaultHarness, process: subprocess.Popen[bytes], count: int) -> None:
    while len(harness.sandbox.requests) < count:
        assert process.poll() is None, "the run ended before it was to be killed"
        time.sleep(0.005)


@pytest.mark.parametrize("carried_out", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("number", range(len(REQUESTS_OF_A_RUN)), ids=REQUESTS_OF_A_RUN.__getitem__)
def test_run__killed_during_any_request__next_run_continues(
    harness: FaultHarness, number: int, carried_out: bool
) -> None:
    hang = {"type": "silence", "how": "hang", "carried_out": carried_out}
    harness.sandbox.set_faults({"route": "any", "after": number, "times": 1, "fault": hang})
    with start(harness) as process:
        wait_for_requests(harness, process, number + 1)
        if carried_out:
            # The sandbox creates the report just after it has logged the request.
            while harness.sandbox.reports_created < (number >= 3):
                time.sleep(0.005)
        process.kill()
    assert [each["route"] for each in harness.sandbox.requests] == REQUESTS_OF_A_RUN[: number + 1]

    raw = harness.run_without_faults()

    assert is_whole(raw)
    assert harness.sandbox.reports_created == 1
    assert raw.manifest.origin == ("adopted" if number == 3 and carried_out else "created")
    assert_no_strays(harness)


@pytest.mark.parametrize("report_format", ["json_v2_0", "csv_v2_0"])
def test_run__killed_mid_download__next_run_downloads_again(
    harness: FaultHarness, report_format: str
) -> None:
    stall = {"type": "delivery", "how": "stall"}
    harness.sandbox.set_faults({"route": "download", "format": report_format, "times": 1, "fault": stall})
    with start(harness) as process:
        while not any(harness.data_dir.glob(f"raw/*/*/.{report_format}*")):
            time.sleep(0.005)
        process.kill()
    assert any(".partial" in name for name in harness.files())
    assert not any(name.endswith("manifest.json") for name in harness.files())

    assert is_whole(harness.run_without_faults())
    assert harness.sandbox.reports_created == 1
    assert_no_strays(harness)


def test_run__killed_twice_for_one_request__next_run_continues(harness: FaultHarness) -> None:
    hang = {"type": "silence", "how": "hang", "carried_out": True}
    # First after the POST, then while the next run searches the tenant's list for the report.
    for route, requests in (("create_report", 4), ("tenant_reports", 3)):
        harness.sandbox.set_faults({"route": route, "fault": hang})
        seen = len(harness.sandbox.requests)
        with start(harness) as process:
            wait_for_requests(harness, process, seen + requests)
            process.kill()
    assert is_whole(harness.run_without_faults())
    assert harness.sandbox.reports_created == 1


def test_run__two_processes_for_one_period__one_report(harness: FaultHarness) -> None:
    harness.sandbox.set_faults({"route": "create_report", "fault": {"type": "delay", "seconds": 1.0}})
    processes = [start(harness) for _ in range(3)]
    outputs = {process.communicate()[0] for process in processes}
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert len(outputs) == 1
    assert harness.sandbox.reports_created == harness.calls("create_report") == 1
    assert harness.calls("download") == 2
    assert is_whole(harness.run_without_faults())


def assert_no_strays(harness: FaultHarness) -> None:
    expected = {"requests/2026-09.json", "requests/2026-09.lock"}
    names = {name.rsplit("/", 1)[-1] for name in set(harness.files()) - expected}
    assert names == {"json_v2_0.json", "csv_v2_0.csv", "manifest.json"}


def test_orphaned_run__process_killed__ended_by_the_next_command(
    cli: CliHarness, sandbox: FaultySandbox
) -> None:
    sandbox.set_faults("stored_in_progress_always")
    # As a worker of Dagster's UI does it.
    execute = [sys.executable, "-m", "dagster", "job", "execute", "--module-name", DEFINITIONS, "--job", JOB]
    tags = json.dumps({"dagster/partition": "2026-09"})
    assert "there is no raw report" in cli.command("run", "--replay", "--period", "2026-09").stderr
    home = cli.data_dir / "dagster"
    with subprocess.Popen(
        [*execute, "--tags", tags],
        env=cli.environment | {"DAGSTER_HOME": str(home)},
        stderr=subprocess.DEVNULL,
    ) as process:
        while not any(each["route"] == "stored_reports" for each in sandbox.requests):
            assert process.poll() is None
            time.sleep(0.05)
        process.kill()

    def statuses() -> list[DagsterRunStatus]:
        with DagsterInstance.from_config(str(home)) as instance:
            return [run.status for run in instance.get_runs()]

    assert DagsterRunStatus.STARTED in statuses()

    cli.command("run", "--replay", "--period", "2026-09")

    assert set(statuses()) == {DagsterRunStatus.FAILURE}
