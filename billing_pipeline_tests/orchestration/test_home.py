"""Folders and databases that Dagster or a run cannot use: each message names the cause and the remedy."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from billing_pipeline_tests.harness.command_line import CliHarness, errors

pytestmark = pytest.mark.slow

ONE = ("--period", "2026-09")
TWO = (*ONE, "--period", "2026-08")
# Root ignores file permissions unless it gives up these capabilities.
_LESS = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.getuid() == 0 else []
_needs_less = pytest.mark.skipif(bool(_LESS) and not shutil.which("setpriv"), reason="gives up root's rights")


@pytest.fixture(scope="module")
def used_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with Dagster's home, made by a quick run without a raw report."""
    folder = tmp_path_factory.mktemp("used")
    place = CliHarness(folder, {**os.environ, "BILLING_DATA_DIR": str(folder)})
    assert "there is no raw report" in place.command("run", "--replay", *ONE).stderr
    return folder


@pytest.fixture
def used(cli: CliHarness, used_folder: Path) -> Iterator[CliHarness]:
    """The command line with a copy of `used_folder`."""
    shutil.copytree(used_folder, cli.data_dir)
    yield cli
    for folder, _, _ in os.walk(cli.data_dir):
        Path(folder).chmod(0o755)


def error_lines_without_root_rights(cli: CliHarness, *arguments: str) -> list[str]:
    """Stderr of a failing `billing-pipeline` command."""
    return error_lines(cli, *_LESS, sys.executable, "-m", "billing_pipeline", *arguments)


def error_lines(cli: CliHarness, *command: str) -> list[str]:
    """Stderr of a failing program."""
    done = subprocess.run(
        command,
        env=cli.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return errors(done.stderr)


@pytest.mark.parametrize("periods", [ONE, TWO], ids=["one", "two"])
def test_run__history_damaged__works_after_moving_it_away(used: CliHarness, periods: tuple[str, ...]) -> None:
    home = used.data_dir / "dagster"
    (home / "history" / "runs.db").write_bytes(b"garbage" * 1000)

    done = used.command("run", "--replay", *periods)

    assert done.returncode == 1
    (message,) = errors(done.stderr)
    assert f"Dagster cannot use {home}: file is not a database." in message
    assert "move the folder away" in message

    shutil.move(home, home.with_name("away"))
    assert used.command("run", *periods).returncode == 0


def test_ui__history_damaged__prints_one_line(used: CliHarness) -> None:
    (used.data_dir / "dagster" / "history" / "runs.db").write_bytes(b"garbage" * 1000)

    (message,) = error_lines(used, sys.executable, "-m", "billing_pipeline", "ui")

    assert "file is not a database" in message
    assert "move the folder away" in message


@pytest.mark.parametrize(
    "configuration",
    ["a: [", "nosuch: 1", "storage: {sqlite: {base_dir: {env: NOT_SET}}}"],
    ids=["no YAML", "an unknown key", "a variable that is not set"],
)
def test_run__own_dagster_yaml_invalid__prints_one_line(
    cli: CliHarness, tmp_path: Path, configuration: str
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "dagster.yaml").write_text(configuration)

    done = cli.command("run", "--replay", *ONE, settings={"DAGSTER_HOME": str(home)})

    assert done.returncode == 1
    (message,) = errors(done.stderr)
    assert f"as {home}/dagster.yaml says" in message
    assert "Correct the file" in message


@_needs_less
@pytest.mark.parametrize(
    ("place", "mode", "what", "todo"),
    [
        ("dagster/history", 0o000, "dagster: unable to open database file", "correct its permissions"),
        (
            "dagster/history/runs.db",
            0o444,
            "runs.db cannot be written by this user",
            "correct its permissions",
        ),
        (
            "dagster/.initialise.lock",
            0o000,
            "Permission denied",
            "Check BILLING_DATA_DIR and its permissions",
        ),
        ("slots/runs", 0o555, "slots", "correct the permissions"),
    ],
)
def test_run__home_or_slots_not_writable__prints_one_line(
    used: CliHarness, *, place: str, mode: int, what: str, todo: str
) -> None:
    (used.data_dir / place).chmod(mode)

    (message,) = error_lines_without_root_rights(used, "run", "--replay", *ONE)

    assert what in message
    assert todo in message


def test_run__history_is_a_file__prints_what_to_check(cli: CliHarness) -> None:
    (cli.data_dir / "dagster").mkdir(parents=True)
    (cli.data_dir / "dagster" / "history").touch()

    done = cli.command("run", "--replay", *ONE)

    assert done.returncode == 1
    (message,) = errors(done.stderr)
    assert "dagster/history/ cannot be made or written" in message
    assert "Check BILLING_DATA_DIR and its permissions" in message


@_needs_less
def test_run__two_periods_slots_not_writable__prints_one_line_each(used: CliHarness) -> None:
    (used.data_dir / "slots" / "runs").chmod(0o555)

    lines = error_lines_without_root_rights(used, "run", "--replay", *TWO)

    for period in TWO[1::2]:
        (message,) = (line for line in lines if line.startswith(f"billing-pipeline run: period {period}: "))
        assert "slots" in message
        assert "correct the permissions" in message


@_needs_less
@pytest.mark.parametrize("arguments", [["status"], ["sql", "SELECT 1"]], ids=lambda words: words[0])
def test_status_and_sql__data_folder_unreadable__print_one_line(
    cli: CliHarness, arguments: list[str]
) -> None:
    cli.data_dir.mkdir(0o000)

    (message,) = error_lines_without_root_rights(cli, *arguments)

    cli.data_dir.chmod(0o755)
    assert f"{cli.data_dir}/" in message
    assert "Permission denied" in message
    assert "correct the permissions" in message
