"""The deployment at work: many workers, a worker that is killed, and nothing secret left anywhere."""

from __future__ import annotations

import time

import pytest
from dagster import DagsterInstance

from billing_pipeline_tests.dagster_ui import await_backfill, launch_backfill
from billing_pipeline_tests.deployment.conftest import PASSWORDS, Deployment
from billing_pipeline_tests.faults.test_secrets import TOKEN_BEGINS

PERIODS = [f"2026-{month:02d}" for month in range(4, 9)]
LAST = "2026-09"
_PATIENCE_SECONDS = 240.0


@pytest.mark.timeout(600)
def test_a_backfill_by_several_workers(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox = deployment.sandbox

    backfill = launch_backfill(deployment.url, PERIODS)
    runs = await_backfill(deployment.url, backfill, seconds=_PATIENCE_SECONDS, alive=deployment.are_up)

    assert runs == {period: ["SUCCESS"] for period in PERIODS}
    assert loaded(deployment) == {period: expected(deployment, period) for period in PERIODS}
    assert sandbox.reports_created == len(PERIODS)
    assert 1 < sandbox.most_at_once["open_reports"] <= 3
    assert sandbox.most_at_once["downloads"] == 1

    a_killed_worker_is_replaced(deployment)

    for name, value in deployment.environment.items():
        monkeypatch.setenv(name, value)
    with DagsterInstance.from_config(str(deployment.home)) as instance:
        assert not instance.telemetry_enabled
        assert type(instance.run_storage).__module__.startswith("dagster_postgres")
    nothing_secret_is_left(deployment)


def a_killed_worker_is_replaced(deployment: Deployment) -> None:
    sandbox = deployment.sandbox
    sandbox.journal.clear()
    sandbox.set_faults({"route": "download", "times": 1, "fault": {"type": "silence", "how": "hang"}})

    backfill = launch_backfill(deployment.url, [LAST])
    while not any(request["route"] == "download" for request in sandbox.requests):
        assert deployment.are_up()
        time.sleep(0.05)
    (worker,) = deployment.workers()
    worker.kill()
    runs = await_backfill(deployment.url, backfill, seconds=_PATIENCE_SECONDS, alive=deployment.are_up)

    assert sorted(runs[LAST]) == ["FAILURE", "SUCCESS"]
    assert loaded(deployment)[LAST] == expected(deployment, LAST)
    assert sandbox.reports_created == len(PERIODS) + 1, "the same report is continued with"


def loaded(deployment: Deployment) -> dict[str, tuple[int, str]]:
    rows = deployment.workplace.query(
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
    assert any(LAST in content for content in left.values())
    for path in deployment.folder.rglob("*"):
        if path.is_file():
            left[str(path)] = path.read_bytes().decode("latin-1")
    assert any("compute-logs" in name for name in left)
    for name, content in left.items():
        for secret in secrets:
            for written in (secret, repr(secret)[1:-1], secret.encode().hex()):
                assert written not in content, name
