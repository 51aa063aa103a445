"""`.env` is read by the settings alone, for each run anew: Dagster would expand references in secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from billing_pipeline_tests.dagster_ui import await_periods, launch_backfill
from billing_pipeline_tests.end_to_end.conftest import copy_project
from billing_pipeline_tests.harness.command_line import CliHarness
from billing_pipeline_tests.ui.conftest import start_ui

pytestmark = pytest.mark.slow

PERIOD = "2026-09"


def test_ui__env_file_edited_while_it_runs__next_run_reads_it(cli: CliHarness, tmp_path: Path) -> None:
    project = copy_project(tmp_path)
    names = [name for name in cli.environment if name.startswith("ACRONIS_")]
    settings = {name: cli.environment.pop(name) for name in names}

    def write_env_file(secret: str) -> None:
        lines = [
            f"{name}={value}\n" for name, value in (settings | {"ACRONIS_CLIENT_SECRET": secret}).items()
        ]
        (project / ".env").write_text("".join(lines))

    write_env_file("'a${HOME}b'")
    ui = start_ui(cli, tmp_path / "ui.log", project)
    try:
        write_env_file(settings["ACRONIS_CLIENT_SECRET"])
        backfill = launch_backfill(ui.url, [PERIOD])
        await_periods(ui.url, backfill, [PERIOD], seconds=120)
    finally:
        ui.stop()

    output = ui.log.read_text()
    assert "Loaded environment variables" not in output
    assert "Warning" not in output
