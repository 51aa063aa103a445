"""`billing-pipeline prune` removes what nothing needs, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from dagster import DagsterInstance

from billing_pipeline_tests.harness.command_line import CliHarness

pytestmark = pytest.mark.slow


def raw_reports(cli: CliHarness) -> set[Path]:
    return {path.parent for path in cli.data_dir.glob("raw/2026-09/*/manifest.json")}


def test_prune__month_loaded_three_times__keeps_the_loaded_report(
    cli: CliHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        assert cli.command("run", "--period", "2026-09").returncode == 0
    cli.command("run", "--period", "2026-08")
    (loaded,) = cli.query("SELECT DISTINCT report_id FROM usage WHERE billing_period = '2026-09-01'")
    before = raw_reports(cli)
    assert len(before) == 2

    young = cli.command("prune")
    assert "removed: 0 raw reports (0 bytes), 0 pages, 0 runs of Dagster" in young.stdout, young.stderr
    tried = cli.command("prune", "--older-than", "0", "--dry-run")
    assert "would be removed: 1 raw reports" in tried.stdout
    assert raw_reports(cli) == before
    assert len(list(cli.data_dir.glob("reports/[!.]*"))) == 5, "two pages with a CSV file each, and the index"

    done = cli.command("prune", "--older-than", "0")

    (superseded,) = {path for path in before if path.name != loaded["report_id"]}
    assert f"{superseded}  " in done.stdout
    assert not superseded.exists()
    assert raw_reports(cli) == before - {superseded}
    assert done.stdout.endswith("2 pages, 3 runs of Dagster\n")
    assert [path.name for path in (cli.data_dir / "reports").iterdir()] == [".lock"]
    monkeypatch.setenv("DAGSTER_HOME", str(cli.data_dir / "dagster"))
    with DagsterInstance.get() as instance:
        assert instance.get_runs_count() == 0
    assert cli.command("run", "--replay", "--period", "2026-09").returncode == 0


def test_prune__warehouse_missing__keeps_every_raw_report(cli: CliHarness) -> None:
    for _ in range(2):
        assert cli.command("run", "--period", "2026-09").returncode == 0
    (cli.data_dir / "warehouse.duckdb").unlink()
    before = raw_reports(cli)

    assert cli.command("prune", "--older-than", "0").returncode == 0

    assert raw_reports(cli) == before
