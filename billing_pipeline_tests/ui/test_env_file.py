"""`.env` is read by the settings alone, not by Dagster, which would expand references in secrets."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from billing_pipeline.settings import PROJECT_ROOT
from billing_pipeline_tests.harness.command_line import CliHarness
from billing_pipeline_tests.ui.conftest import start_ui

pytestmark = pytest.mark.slow


def test_ui__env_file_in_project__is_not_loaded_by_dagster(cli: CliHarness, tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(PROJECT_ROOT / "billing_pipeline", project / "billing_pipeline")
    for name in ("pyproject.toml", "workspace.yaml"):
        shutil.copy(PROJECT_ROOT / name, project)
    (project / ".env").write_text("ACRONIS_CLIENT_SECRET='a${HOME}b'\n")

    ui = start_ui(cli, tmp_path / "ui.log", project)
    ui.stop()

    assert "Loaded environment variables" not in ui.log.read_text()
