"""The deployment at work: many runs, one of which is killed, and no secret left anywhere."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import psutil
import pytest
import requests
from dagster import AssetKey, DagsterEventType, DagsterInstance, DagsterRunStatus, RunsFilter

from billing_pipeline_tests.dagster_ui import ASSETS, await_periods, launch_backfill
from billing_pipeline_tests.deployment.conftest import PASSWORDS, Deployment
from billing_pipeline_tests.faults.test_secrets import TOKEN_BEGINS
from billing_pipeline_tests.harness.request_log import most_at_once

PERIODS = [f"2026-{month:02d}" for month in range(6, 10)]
_MAX_SECONDS = 300.0


@pytest.fixture
def instance(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Iterator[DagsterInstance]:
    """Dagster's storage, as the services see it."""
    for name, value in deployment.environment.items():
        monkeypatch.setenv(name, value)
    with DagsterInstance.from_config(str(deployment.home)) as opened:
        yield opened


@pytest.mark.kill
@pytest.mark.timeout(600)
def test_backfill__run_killed__every_month_loaded(deployment: Deployment, instance: DagsterInstance) -> None:
    sandbox = deployment.sandbox
    sandbox.set_faults({"route": "download", "fault": {"type": "silence", "how": "hang"}})

    backfill = launch_backfill(deployment.url, PERIODS)
    killed = kill_the_run_that_hangs(deployment, instance)
    runs = await_periods(deployment.url, backfill, PERIODS, seconds=_MAX_SECONDS, alive=deployment.are_up)

    assert runs.pop(killed) == ["SUCCESS", "FAILURE"], "noticed, and launched again"
    assert runs == {period: ["SUCCESS"] for period in PERIODS if period != killed}
    for asset in ASSETS:
        assert instance.get_materialized_partitions(AssetKey(asset)) == set(PERIODS)
    assert loaded(deployment) == {period: expected(deployment, period) for period in PERIODS}
    assert sandbox.reports_created == len(PERIODS), "the same report is continued with"
    assert most_at_once(sandbox.requests)["open_reports"] <= 3
    assert most_at_once(sandbox.requests)["downloads"] == 1
    by_get = requests.get(f"{deployment.url}/graphql", {"query": "{ version }"}, timeout=30)
    assert by_get.status_code == 405, "the request filter is in front"
    assert not instance.telemetry_enabled
    nothing_secret_is_left(deployment)


def kill_the_run_that_hangs(deployment: Deployment, instance: DagsterInstance) -> str:
    """SIGKILL the run that was the first to download; its period."""
    sandbox = deployment.sandbox
    while not (downloads := [each for each in sandbox.requests if each["route"] == "download"]):
        assert deployment.are_up()
        time.sleep(0.05)
    requested = deployment.cli.data_dir / "requests"
    (period,) = (
        path.stem for path in requested.glob("*.json") if downloads[0]["report_id"] in path.read_text()
    )
    (run,) = instance.get_runs(
        RunsFilter(statuses=[DagsterRunStatus.STARTED], tags={"dagster/partition": period})
    )
    messages = " ".join(
        entry.user_message or ""
        for entry in instance.all_logs(run.run_id, of_type=DagsterEventType.ENGINE_EVENT)
    )
    found = re.search(r"steps in process \(pid: (\d+)\)", messages)
    assert found is not None, messages
    psutil.Process(int(found[1])).kill()
    sandbox.set_faults()
    # The server would count the answer that it still owes the dead.
    sandbox.requests.clear()
    return period


def loaded(deployment: Deployment) -> dict[str, tuple[int, str]]:
    rows = deployment.cli.query(
        "SELECT strftime(billing_period, '%Y-%m') AS period, count(*) AS row_count, "
        "sum(dr_compute_points_total)::VARCHAR AS points FROM usage GROUP BY 1"
    )
    return {row["period"]: (int(row["row_count"]), row["points"]) for row in rows}


def expected(deployment: Deployment, period: str) -> tuple[object, object]:
    """As the sandbox itself counts them."""
    totals = deployment.sandbox.totals(period)
    points = totals["dr_compute_points"]
    assert isinstance(points, dict)
    return totals["rows"], points["total"]


def nothing_secret_is_left(deployment: Deployment) -> None:
    """In any table of Dagster's database, in any log or other file."""
    server = deployment.postgres
    secrets = [deployment.sandbox.client_secret, TOKEN_BEGINS, server.password, *PASSWORDS.values()]
    tables = server.query(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace",
        database="dagster",
    )
    left = {
        f"table {table}": repr(server.query(f'SELECT t::text FROM "{table}" t', database="dagster"))
        for (table,) in tables
    }
    assert len(left) > 10
    assert any(PERIODS[0] in content for content in left.values())
    for path in deployment.folder.rglob("*"):
        if path.is_file():
            left[str(path)] = path.read_bytes().decode("latin-1")
    assert any("compute-logs" in name for name in left)
    for name, content in left.items():
        for secret in secrets:
            for written in (secret, repr(secret)[1:-1], secret.encode().hex()):
                assert written not in content, name
