"""Obstacles to one report, through `run`: the month is loaded, and other months are not affected."""

from __future__ import annotations

import json

import pytest

from billing_pipeline_tests.faults.sandbox import FaultySandbox
from billing_pipeline_tests.harness.command_line import CliHarness

pytestmark = pytest.mark.slow

PERIOD = "2026-09"
STUCK = {"use": "stored_in_progress_always", "first_reports": 1}


def outcomes(cli: CliHarness) -> list[str]:
    """The outcome of each report of the period, the oldest first."""
    state = json.loads((cli.data_dir / "requests" / f"{PERIOD}.json").read_text())
    return [report["outcome"] for request in state["requests"] for report in request["reports"]]


def test_run__new_report__replaces_one_that_is_stuck(cli: CliHarness, sandbox: FaultySandbox) -> None:
    sandbox.set_faults(STUCK)
    stuck = cli.command("run", "--period", PERIOD, settings={"ACRONIS_POLL_TIMEOUT_SECONDS": "0.5"})
    assert stuck.returncode == 1
    assert "run --new-report" in stuck.stderr

    done = cli.command("run", "--period", PERIOD, "--new-report")

    assert done.returncode == 0, done.stderr
    assert outcomes(cli) == ["superseded", "loaded"]
    assert sandbox.reports_created == 2
    again = cli.command("run", "--period", PERIOD, "--new-report", "--replay")
    assert again.returncode == 2


def test_run__report_deadline_passed__requests_another(cli: CliHarness, sandbox: FaultySandbox) -> None:
    sandbox.set_faults(STUCK)

    done = cli.command("run", "--period", PERIOD, settings={"ACRONIS_REPORT_DEADLINE_HOURS": "0.0001"})

    assert done.returncode == 0, done.stderr
    assert outcomes(cli) == ["failed", "loaded"]
    assert sandbox.reports_created == 2


@pytest.mark.parametrize("status", [403, 500])
def test_run__file_of_one_month_refused__other_months_load(
    cli: CliHarness, sandbox: FaultySandbox, status: int
) -> None:
    fault = {"type": "answer", "status": status}
    sandbox.set_faults({"route": "download", "first_reports": 1, "format": "csv_v2_0", "fault": fault})
    months = ("--from", "2026-07", "--to", PERIOD)
    ended = [cli.command("run", *months, settings={"BILLING_OPEN_REPORTS": "1"}).returncode for _ in range(2)]

    (loaded,) = cli.query("SELECT count(DISTINCT billing_period) AS months FROM usage")

    assert (ended, loaded) == ([1, 1], {"months": 2})
    assert cli.command("run", "--period", "2026-07").returncode == 0


@pytest.mark.parametrize("status", [403, 404, 500])
def test_run__tenant_set_and_client_record_unreadable__loads(
    cli: CliHarness, sandbox: FaultySandbox, status: int
) -> None:
    sandbox.set_faults({"route": "client", "fault": {"type": "answer", "status": status}})

    done = cli.command("run", "--period", PERIOD, settings={"ACRONIS_TENANT_ID": sandbox.tenant_id})

    assert done.returncode == 0, done.stderr
