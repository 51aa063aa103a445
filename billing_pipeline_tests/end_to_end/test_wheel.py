"""The package as installed from a wheel: outside a project folder, with no other file of the repository."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import requests

from billing_pipeline_tests.harness.command_line import CliHarness, errors
from billing_pipeline_tests.landing.folders import names
from billing_pipeline_tests.ui.conftest import start_ui

pytestmark = pytest.mark.slow


@pytest.fixture
def installed(cli: CliHarness, site_packages: Path) -> CliHarness:
    """The installed package; the data folder is not set."""
    environment = {**cli.environment, "PYTHONPATH": str(site_packages), "PYTHONSAFEPATH": "1"}
    del environment["BILLING_DATA_DIR"]
    return CliHarness(cli.data_dir, environment)


def command(
    installed: CliHarness, *arguments: str, folder: Path, program: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*program, sys.executable, "-m", "billing_pipeline", *arguments],
        env=installed.environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_wheel__data_folder_not_set__is_said_until_it_exists(installed: CliHarness, tmp_path: Path) -> None:
    said = f"BILLING_DATA_DIR is not set: the data folder is {tmp_path / 'data'}"

    for arguments in (["status"], ["run", "--replay", "--period", "2026-09"]):
        assert command(installed, *arguments, folder=tmp_path).stderr.count(said) == 1
    assert said not in command(installed, "status", folder=tmp_path).stderr
    installed.environment["BILLING_DATA_DIR"] = str(tmp_path / "elsewhere")
    assert command(installed, "status", folder=tmp_path).stderr == ""


def test_wheel__working_directory_deleted__commands_work(installed: CliHarness, tmp_path: Path) -> None:
    def in_deleted_folder(*arguments: str) -> subprocess.CompletedProcess[str]:
        gone = tmp_path / "gone"
        gone.mkdir()
        enter_and_delete = ["sh", "-c", f'cd "{gone}" && rmdir "{gone}" && exec "$@"', "sh"]
        return command(installed, *arguments, folder=tmp_path, program=enter_and_delete)

    assert in_deleted_folder("--version").returncode == 0
    for arguments in (
        ["status"],
        ["sql", "FROM usage"],
        ["run", "--period", "2026-09"],
        ["export", "--period", "2026-09"],
    ):
        done = in_deleted_folder(*arguments)
        assert done.returncode == 1
        (message,) = errors(done.stderr)
        assert "BILLING_DATA_DIR" in message
        assert "the working directory no longer exists" in message
    installed.environment["BILLING_DATA_DIR"] = str(tmp_path / "data")
    loaded = in_deleted_folder("run", "--period", "2026-09")
    assert loaded.returncode == 0, loaded.stderr
    assert in_deleted_folder("sql", "SELECT count(*) FROM usage").returncode == 0
    assert in_deleted_folder("export", "--period", "2026-09", "--output", f"{tmp_path}/out/").returncode == 0
    refused = in_deleted_folder("export", "--period", "2026-09")
    assert refused.returncode == 1
    (message,) = errors(refused.stderr)
    assert "the working directory no longer exists" in message


def test_wheel__ui__serves_the_assets(installed: CliHarness, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    ui = start_ui(installed, tmp_path / "ui.log", tmp_path / "here")
    try:
        query = "{ assetNodes { assetKey { path } repository { location { name } } } }"
        nodes = requests.post(f"{ui.url}/graphql", json={"query": query}, timeout=60).json()["data"][
            "assetNodes"
        ]
    finally:
        ui.stop()
    assert {tuple(node["assetKey"]["path"]) for node in nodes} >= {("usage",)}
    assert {node["repository"]["location"]["name"] for node in nodes} == {"billing_pipeline.definitions"}
    assert names(tmp_path / "here") == ["data"]
