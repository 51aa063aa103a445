"""The main job as a user sees it: periods go in, the warehouse holds exactly what the API reported."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any
from urllib.request import urlopen

import pytest

from billing_pipeline.reports import MEASURES
from billing_pipeline_tests.harness.command_line import CliHarness, errors, log_lines
from billing_pipeline_tests.harness.recording_sandbox import RecordingSandbox

pytestmark = pytest.mark.slow

PERIODS = ("2026-07", "2026-08", "2026-09")


def sandbox_totals(sandbox: RecordingSandbox, period: str) -> dict[str, Any]:
    """The sandbox's own count, which shares no code with the pipeline."""
    with urlopen(f"{sandbox.base_url}/sandbox/totals?period={period}") as answer:
        totals: dict[str, Any] = json.load(answer)
    return totals


def test_run__three_periods__loads_the_exact_sums(cli: CliHarness, sandbox: RecordingSandbox) -> None:
    done = cli.command("run", *(word for period in PERIODS for word in ("--period", period)))

    assert done.returncode == 0, done.stderr
    sums = ", ".join(f"sum({measure})::VARCHAR AS {measure}" for measure in MEASURES)
    loaded = cli.query(
        f"SELECT strftime(billing_period, '%Y-%m') AS period, measurement_unit, count(*) AS row_count, {sums}"
        " FROM usage GROUP BY ALL"
    )
    points = cli.query(
        "SELECT strftime(billing_period, '%Y-%m') AS period, sum(dr_compute_points_total)::VARCHAR AS points"
        " FROM usage GROUP BY ALL ORDER BY ALL"
    )
    for period in PERIODS:
        expected = sandbox_totals(sandbox, period)
        by_unit = {row["measurement_unit"]: row for row in loaded if row["period"] == period}
        assert sum(row["row_count"] for row in by_unit.values()) == expected["rows"] > 0
        assert by_unit.keys() == expected["units"].keys()
        for unit, measures in expected["units"].items():
            assert {name: Decimal(by_unit[unit][name]) for name in MEASURES} == {
                name: measures[name] for name in MEASURES
            }
    assert points == [
        {"period": period, "points": sandbox_totals(sandbox, period)["dr_compute_points"]["total"]}
        for period in PERIODS
    ]
    assert sandbox.reports_created == len(PERIODS)
    status = cli.command("status")
    assert status.returncode == 0, status.stderr
    for period in PERIODS:
        (line,) = (line for line in status.stdout.splitlines() if line.startswith(period))
        assert " loaded " in line
        assert f" {sandbox_totals(sandbox, period)['rows']:,} " in line


def test_run__period_loaded_before__requests_and_replaces_it(
    cli: CliHarness, sandbox: RecordingSandbox
) -> None:
    first = cli.command("run", "--period", "2026-09")
    again = cli.command("run", "--period", "2026-09")

    assert (first.returncode, again.returncode) == (0, 0), again.stderr
    rows = cli.query("SELECT count(*) AS row_count, count(DISTINCT report_id) AS reports FROM usage")
    assert rows == [{"row_count": sandbox_totals(sandbox, "2026-09")["rows"], "reports": 1}]
    assert sandbox.reports_created == 2


def test_run__stderr_is_a_file__prints_lines_with_time_and_level(cli: CliHarness) -> None:
    with RecordingSandbox(tenants=4, ready_after_seconds=0.2, in_progress_polls=2) as sandbox:
        settings = {"ACRONIS_BASE_URL": sandbox.base_url}
        done = cli.command("run", "--period", "2026-09", settings=settings)

    said = [message for level, message in log_lines(done.stderr) if level == "INFO"]
    assert said[0] == f"loading 2026-09 into {cli.data_dir / 'warehouse.duckdb'}"
    assert any(line.startswith("2026-09: waiting for Acronis, json_v2_0 in_progress, ") for line in said)
    assert said[-2:] == ["2026-09: loading", "2026-09: loaded, 1 of 1 done"]
    assert done.stdout.startswith("2026-09  loaded, ")


def test_run__replay_without_network__loads_the_same_rows(cli: CliHarness, sandbox: RecordingSandbox) -> None:
    cli.command("run", "--period", "2026-09")
    statement = "SELECT * EXCLUDE (loaded_at) FROM usage ORDER BY report_row"
    before = cli.query(statement)
    sandbox.stop()

    replayed = cli.command("run", "--replay", "--period", "2026-09")

    assert replayed.returncode == 0, replayed.stderr
    assert cli.query(statement) == before


@pytest.mark.parametrize(
    ("arguments", "settings", "said"),
    [
        (["--period", "2026-09"], {"ACRONIS_CLIENT_SECRET": "wrong"}, "client"),
        (["--period", "2026-09"], {"ACRONIS_BASE_URL": None}, "ACRONIS_BASE_URL is not set"),
        (["--period", "2026-09"], {"ACRONIS_CLIENT_SECRET": "  "}, "ACRONIS_CLIENT_SECRET is not set"),
        (["--period", "2026-09"], {"ACRONIS_BASE_URL": "http://example.com"}, "must use https"),
        (["--period", "2026-09"], {"ACRONIS_TENANT_ID": "mine"}, "ACRONIS_TENANT_ID"),
        (["--period", "2026-9"], {}, "Write it as YYYY-MM"),
        (["--period", "2026-13"], {}, "Write it as YYYY-MM"),
        (["--period", "2199-01"], {}, "has not ended"),
        (["--period", "2023-12"], {}, "BILLING_FIRST_PERIOD"),
        (["--from", "2026-09", "--to", "2026-08"], {}, "empty"),
        (["--to", "2026-08"], {}, "--to is given without --from"),
    ],
)
def test_run__bad_input__prints_one_error_and_writes_nothing(
    cli: CliHarness,
    sandbox: RecordingSandbox,
    arguments: list[str],
    settings: dict[str, str | None],
    said: str,
) -> None:
    done = cli.command("run", *arguments, settings=settings)

    assert done.returncode == 1
    assert done.stdout == ""
    (message,) = errors(done.stderr)
    assert said in message
    assert not cli.data_dir.exists()
    assert sandbox.reports_created == 0


def test_run__host_unreachable__prints_one_error(cli: CliHarness, sandbox: RecordingSandbox) -> None:
    sandbox.stop()

    done = cli.command("run", "--period", "2026-09")

    assert done.returncode == 1
    (message,) = errors(done.stderr)
    assert "127.0.0.1" in message
    assert not cli.data_dir.exists()
