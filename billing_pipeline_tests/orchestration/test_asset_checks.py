"""Checks as users see them: in Dagster, in `status`, and in the exit status of `run`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from billing_pipeline.charges.checks import CHECKS as CHARGE_CHECKS
from billing_pipeline.definitions import build_defs
from billing_pipeline.loading.checks import CHECKS
from billing_pipeline.orchestration.freshness_check import freshness_check
from billing_pipeline.orchestration.load_checks import load_check_specs
from billing_pipeline.periods import SINGLE_ACCOUNT, BillingPeriod
from billing_pipeline.warehouse import WarehouseFile
from billing_pipeline_tests.demo_months import DemoMonths
from billing_pipeline_tests.faults.sandbox import FaultySandbox
from billing_pipeline_tests.harness.command_line import CliHarness

pytestmark = pytest.mark.slow

PERIOD = "2026-09"
Evaluation = dg.AssetCheckEvaluation


def evaluations(cli: CliHarness) -> dict[str, Evaluation]:
    """The latest evaluation of each check in Dagster's own records, which its UI shows."""
    keys = [dg.AssetCheckKey(dg.AssetKey("usage"), name) for name in (*CHECKS, "freshness")]
    with dg.DagsterInstance.from_config(str(cli.data_dir / "dagster")) as instance:
        latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
    found = {}
    for key, record in latest.items():
        assert record.event is not None
        assert record.event.dagster_event is not None
        found[key.name] = record.event.dagster_event.asset_check_evaluation_data
    return found


def test_load_check_specs__severity_stop__is_blocking() -> None:
    specs = {spec.name: spec for spec in load_check_specs(dg.AssetKey("usage"))}

    assert list(specs) == list(CHECKS)
    assert {name for name, spec in specs.items() if spec.blocking} == {
        name for name, severity in CHECKS.items() if severity == "stop"
    }
    assert all(spec.description for spec in specs.values())
    keys = {key.name for key in build_defs().resolve_asset_graph().asset_check_keys}
    assert keys == {*CHECKS, "freshness", "price_file", *CHARGE_CHECKS}


def test_run__month_loaded__records_its_checks_and_page(cli: CliHarness) -> None:
    done = cli.command("run", "--period", PERIOD)

    assert done.returncode == 0, done.stderr
    found = evaluations(cli)
    assert set(found) == set(CHECKS)
    assert found["cross_check"].passed
    assert "rows are the same" in str(found["cross_check"].description)
    assert found["cross_check"].metadata["billing_period"].value == PERIOD
    assert "| finding" in str(found["sku_coverage"].metadata["findings"].value)
    page = cli.data_dir / "reports" / f"{PERIOD}.html"
    assert page.stat().st_size > 10_000
    with dg.DagsterInstance.from_config(str(cli.data_dir / "dagster")) as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey("month_report"))
    assert event is not None
    shown = event.asset_materialization
    assert shown is not None
    assert (shown.partition, shown.metadata["path"].value) == (PERIOD, str(page))
    status = cli.command("status").stdout
    assert f"{sum(evaluation.passed for evaluation in found.values())} passed" in status


def test_run__csv_value_differs__fails_check_in_dagster_and_status(
    cli: CliHarness, sandbox: FaultySandbox
) -> None:
    sandbox.set_faults("csv_value")

    stopped = cli.command("run", "--period", PERIOD)

    assert stopped.returncode == 1
    assert "cross_check: " in stopped.stderr
    assert "json_v2_0" in stopped.stderr
    found = evaluations(cli)
    assert not found["cross_check"].passed
    assert found["cross_check"].severity == dg.AssetCheckSeverity.ERROR
    assert found["control_totals"].passed
    assert cli.query("SELECT count(*) AS found FROM usage") == [{"found": 0}]
    status = cli.command("status").stdout
    assert "1 stop" in status
    assert f"{PERIOD}  cross_check (stop): " in status
    kept = cli.query("SELECT published, passed FROM latest_load_checks WHERE check_name = 'cross_check'")
    assert kept == [{"published": False, "passed": False}]

    sandbox.set_faults()
    assert cli.command("run", "--period", PERIOD).returncode == 0
    assert sandbox.reports_created == 2, "a new report is requested"
    assert "cross_check" not in cli.command("status").stdout


@pytest.mark.parametrize(("mode", "passed"), [("warn", False), ("off", True)])
def test_run__cross_check_warn_or_off__loads_a_differing_csv(
    cli: CliHarness, sandbox: FaultySandbox, mode: str, passed: bool
) -> None:
    sandbox.set_faults("csv_value")

    done = cli.command("run", "--period", PERIOD, settings={"BILLING_CROSS_CHECK": mode})

    assert done.returncode == 0, done.stderr
    found = evaluations(cli)["cross_check"]
    assert (found.passed, found.severity) == (passed, dg.AssetCheckSeverity.WARN)


def test_run__cross_check_mode_unknown__names_the_setting(cli: CliHarness) -> None:
    done = cli.command("run", "--period", PERIOD, settings={"BILLING_CROSS_CHECK": "maybe"})

    assert done.returncode == 1
    assert "BILLING_CROSS_CHECK" in done.stderr


def test_run__period_closed__is_refused_before_the_request(cli: CliHarness, sandbox: FaultySandbox) -> None:
    assert cli.command("run", "--period", PERIOD).returncode == 0
    closed = cli.command("close", "--period", PERIOD, "--note", "invoice run 9")
    assert closed.returncode == 0, closed.stderr

    refused = cli.command("run", "--period", PERIOD)
    replayed = cli.command("run", "--period", PERIOD, "--replay")

    for done in (refused, replayed):
        assert done.returncode == 1
        assert "was closed on" in done.stderr
        assert "(invoice run 9)" in done.stderr
        assert "--force" in done.stderr
    assert sandbox.reports_created == 1
    assert "loaded, closed; last attempt refused" in cli.command("status").stdout

    forced = cli.command("run", "--period", PERIOD, "--force")

    assert forced.returncode == 0, forced.stderr
    assert sandbox.reports_created == 2
    history = cli.query("SELECT outcome, forced FROM load_history ORDER BY recorded_at")
    assert [(line["outcome"], line["forced"]) for line in history] == [
        ("loaded", False), ("refused", False), ("refused", False), ("loaded", True),
    ]  # fmt: skip
    status = cli.command("status").stdout
    assert "loaded, closed" in status
    assert "was loaded last with --force" in status

    assert cli.command("reopen", "--period", PERIOD).returncode == 0
    assert cli.command("run", "--period", PERIOD).returncode == 0


def test_export__output_is_a_folder__names_file_after_period(cli: CliHarness, tmp_path: Path) -> None:
    assert cli.command("run", "--period", PERIOD).returncode == 0

    done = cli.command("export", "--period", PERIOD, "--format", "parquet", "--output", str(tmp_path))

    assert done.returncode == 0, done.stderr
    assert (tmp_path / f"billable_usage-{PERIOD}.parquet").exists()
    (count,) = cli.query("SELECT count(*) AS n FROM billable_usage")
    assert f"{count['n']:,} rows of billable_usage, {PERIOD}" in done.stdout
    several = cli.command(
        "export", "--period", PERIOD, "--period", "2026-08", "--output", str(tmp_path / "x.csv")
    )
    assert several.returncode == 1
    assert "do not fit into one file" in several.stderr


def test_freshness__ended_month_not_loaded__fails_and_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BILLING_DATA_DIR", str(tmp_path))
    last_complete = BillingPeriod.last_complete(datetime.now(UTC))
    warehouse_of = DemoMonths(tenants=3)
    defs = build_defs()

    def evaluated() -> Evaluation:
        result = defs.resolve_job_def("freshness").execute_in_process(instance=dg.DagsterInstance.ephemeral())
        (evaluation,) = result.get_asset_check_evaluations()
        return evaluation

    missing = last_complete.previous()
    warehouse = WarehouseFile(tmp_path)
    warehouse_of.load(warehouse, [missing.previous(), last_complete])
    found = evaluated()
    assert not found.passed
    assert found.severity == dg.AssetCheckSeverity.WARN
    assert found.metadata["overdue"].value == missing.key

    warehouse_of.load(warehouse, [missing])
    assert evaluated().passed


def test_freshness__schedule__runs_on_day_3_outside_of_loads() -> None:
    defs = build_defs()
    schedule = defs.resolve_schedule_def("freshness_schedule")

    assert schedule.cron_schedule == "0 7 3 * *"
    assert schedule.execution_timezone == "UTC"
    (key,) = freshness_check(SINGLE_ACCOUNT).check_keys
    assert key not in defs.resolve_job_def("monthly_usage").asset_layer.asset_graph.asset_check_keys


def test_freshness__warehouse_damaged__fails_with_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BILLING_DATA_DIR", str(tmp_path))
    (tmp_path / "warehouse.duckdb").write_bytes(b"garbage" * 1000)

    with dg.DagsterInstance.ephemeral() as instance:
        result = (
            build_defs()
            .resolve_job_def("freshness")
            .execute_in_process(instance=instance, raise_on_error=False)
        )

    (failure,) = (event.step_failure_data for event in result.get_step_failure_events())
    assert failure.user_failure_data is not None
    assert "cannot be opened" in (failure.user_failure_data.description or "")
