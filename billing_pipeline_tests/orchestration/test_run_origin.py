"""Runs of the command in Dagster's UI: in the timeline, tagged, and each check's result at its month."""

from __future__ import annotations

import pytest
from dagster import AssetCheckKey, AssetKey, DagsterInstance, DagsterRunStatus

from billing_pipeline_tests.faults.sandbox import FaultySandbox
from billing_pipeline_tests.harness.command_line import CliHarness

pytestmark = pytest.mark.slow


def test_run__two_months_and_one_is_refused__runs_and_checks_know_their_month(
    cli: CliHarness, sandbox: FaultySandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli.command("run", "--period", "2026-08").returncode == 0
    sandbox.set_faults("csv_value")
    assert cli.command("run", "--period", "2026-09").returncode == 1

    monkeypatch.setenv("DAGSTER_HOME", str(cli.data_dir / "dagster"))
    with DagsterInstance.get() as instance:
        runs = {run.tags["dagster/partition"]: run for run in instance.get_runs()}
        checks = instance.event_log_storage.get_asset_check_execution_history(
            AssetCheckKey(AssetKey("usage"), "cross_check"), limit=10
        )

    assert {period: run.status for period, run in runs.items()} == {
        "2026-08": DagsterRunStatus.SUCCESS,
        "2026-09": DagsterRunStatus.FAILURE,
    }
    for run in runs.values():
        assert run.remote_job_origin is not None
        assert run.remote_job_origin.job_name == "monthly_usage"
        assert (
            run.remote_job_origin.repository_origin.get_label()
            == "__repository__@billing_pipeline.definitions"
        )
        assert run.tags["billing/account"] == "default"
        assert run.tags["billing/started_by"] == "command"
    results = [check.event.asset_check_evaluation for check in checks if check.event]
    assert {(each.partition, each.passed) for each in results if each} == {
        ("2026-08", True),
        ("2026-09", False),
    }
