"""Who may read and write the files of the data folder."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from billing_pipeline_tests.harness.command_line import CliHarness, errors

pytestmark = pytest.mark.slow

PERIOD = ("--period", "2026-09")
COLLEAGUE, GROUP = 20001, 20005


def files_below(folder: Path) -> Iterator[tuple[str, int]]:
    """Every file and folder with its rights."""
    for path in sorted([folder, *folder.rglob("*")]):
        yield str(path.relative_to(folder)), stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("shared", [False, True])
def test_data_folder__new_files__not_for_others_and_as_the_folder_for_the_group(
    cli: CliHarness, shared: bool
) -> None:
    if shared:
        cli.data_dir.mkdir()
        cli.data_dir.chmod(0o2770)

    assert cli.command("run", *PERIOD).returncode == 0
    assert cli.command("close", *PERIOD).returncode == 0

    for name, mode in files_below(cli.data_dir):
        assert not mode & 0o007, f"{name} {mode:o}"
        if shared:
            assert mode >> 3 & 0o6 == mode >> 6 & 0o6, f"{name} {mode:o}"


def test_export__umask_of_the_person__decides(cli: CliHarness, tmp_path: Path) -> None:
    assert cli.command("run", *PERIOD).returncode == 0
    path = tmp_path / "usage.csv"

    assert cli.command("export", *PERIOD, "--output", str(path)).returncode == 0

    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~current_umask()


def current_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.skipif(os.getuid() != 0 or not shutil.which("setpriv"), reason="gives files to another user")
def test_run__databases_of_a_colleague__refused_and_nothing_left_in_the_way(cli: CliHarness) -> None:
    assert cli.command("run", "--replay", *PERIOD).returncode == 1  # makes the databases
    for path in [cli.data_dir, *cli.data_dir.rglob("*")]:
        os.chown(path, COLLEAGUE, GROUP)
        path.chmod(0o2775 if path.is_dir() else 0o644)
    (cli.data_dir / "dagster" / ".initialise.lock").chmod(0o664)
    before = [name for name, _ in files_below(cli.data_dir / "dagster")]

    in_group = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", f"--groups={GROUP}"]
    done = subprocess.run(
        [*in_group, sys.executable, "-m", "billing_pipeline", "run", "--replay", *PERIOD],
        env=cli.environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    (message,) = errors(done.stderr)
    assert "cannot be written by this user" in message
    assert f"chmod -R g+rwX {cli.data_dir}/dagster" in message
    assert [name for name, _ in files_below(cli.data_dir / "dagster")] == before
