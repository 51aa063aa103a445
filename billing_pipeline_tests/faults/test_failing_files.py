"""A disk that fails at any change of a file, once or from then on: right state, true message."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from billing_pipeline_tests.end_to_end.test_run import sandbox_totals
from billing_pipeline_tests.faults.sandbox import FaultySandbox
from billing_pipeline_tests.harness.command_line import CliHarness, errors

PERIOD = "2026-09"
# More changes than a run makes: those beyond its last are not tested twice.
AT_MOST = 180


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled library: optional on a developer's machine, required in continuous integration."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        message = "The tests with a failing disk need Linux and a C compiler: install the package gcc."
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    library = tmp_path_factory.mktemp("shim") / "failing_files.so"
    source = Path(__file__).with_name("failing_files.c")
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, source], check=True
    )
    return library


@dataclass
class FailingDisk:
    """Runs a command whose changes of files are counted, and fail."""

    cli: CliHarness
    shim: Path
    log: Path

    def run(
        self, *, at: int = 0, on: bool = False, below: str = "", spare: str = "dagster"
    ) -> subprocess.CompletedProcess[str]:
        """`run`, with its change number `at` failing; `on`: every later one, too.

        Only changes in the folder `below` of the data folder count, and none in the folder `spare`.
        """
        self.log.unlink(missing_ok=True)
        return subprocess.run(
            [sys.executable, "-m", "billing_pipeline", "run", "--period", PERIOD],
            env=self.cli.environment
            | {
                "LD_PRELOAD": str(self.shim),
                "FAIL_BELOW": str(self.cli.data_dir / below),
                "FAIL_NOT_IN": str(self.cli.data_dir / spare) if spare else "",
                "FAIL_AT": str(at),
                "FAIL_ON": str(int(on)),
                "FAIL_LOG": str(self.log),
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def changes(self) -> list[list[str]]:
        """Operation and path of each change of the last run."""
        return [line.split(" ", 1) for line in self.log.read_text().splitlines()]

    def rows(self) -> int:
        """How many rows are published."""
        if not (self.cli.data_dir / "warehouse.duckdb").exists():
            return 0
        (found,) = self.cli.query("SELECT count(*) AS n FROM usage")
        return int(found["n"])


@pytest.fixture
def disk(cli: CliHarness, shim: Path, tmp_path: Path) -> FailingDisk:
    return FailingDisk(cli, shim, tmp_path / "changes")


def fail_and_go_on(disk: FailingDisk, sandbox: FaultySandbox, at: int, on: bool) -> None:
    """Fail one run, look at what it left, and let the next one finish."""
    expected = sandbox_totals(sandbox, PERIOD)["rows"]

    done = disk.run(at=at, on=on)

    failed = disk.changes()[at - 1] if len(disk.changes()) >= at else None
    assert "Traceback" not in done.stderr, (failed, done.stderr)
    assert "damaged" not in done.stderr, (failed, done.stderr)
    assert (done.returncode, bool(errors(done.stderr))) in {(0, False), (1, True)}, (failed, done.stderr)
    assert disk.rows() == (0 if done.returncode else expected), (failed, done.stderr)

    if done.returncode:
        again = disk.cli.command("run", "--period", PERIOD)
        assert again.returncode == 0, (failed, done.stderr, again.stderr)
    assert disk.rows() == expected
    assert sandbox.reports_created == 1, (failed, done.stderr)
    if done.returncode:
        names = {path.name for path in disk.cli.data_dir.rglob("*") if "dagster" not in path.parts}
        assert not [name for name in names if name.endswith((".partial", ".next"))], (failed, names)


@pytest.mark.slow
@pytest.mark.parametrize("on", [False, True], ids=["once", "for-good"])
@pytest.mark.parametrize("at", [9, 40, 80, 100])
def test_run__some_changes_fail__state_right_and_next_run_loads(
    disk: FailingDisk, sandbox: FaultySandbox, at: int, on: bool
) -> None:
    fail_and_go_on(disk, sandbox, at, on)


@pytest.mark.every_change
@pytest.mark.parametrize("on", [False, True], ids=["once", "for-good"])
@pytest.mark.parametrize("at", range(1, AT_MOST))
def test_run__any_change_fails__state_right_and_next_run_loads(
    disk: FailingDisk, sandbox: FaultySandbox, at: int, on: bool
) -> None:
    fail_and_go_on(disk, sandbox, at, on)


@pytest.mark.slow
@pytest.mark.parametrize(("below", "removal"), [("slots/runs", "unlink"), ("work", "rmdir")])
def test_run__cannot_remove_what_it_leaves__month_is_loaded(
    disk: FailingDisk, sandbox: FaultySandbox, below: str, removal: str
) -> None:
    # The first run also makes the folders.
    assert disk.cli.command("run", "--period", PERIOD).returncode == 0
    assert disk.run(below=below).returncode == 0
    first = [operation for operation, _ in disk.changes()].index(removal) + 1

    done = disk.run(below=below, at=first, on=True)

    assert disk.changes()[first - 1][0] == removal
    assert (done.returncode, errors(done.stderr)) == (0, [])
    assert disk.rows() == sandbox_totals(sandbox, PERIOD)["rows"]
    left = set((disk.cli.data_dir / below).iterdir())
    assert len(left) == 1
    assert disk.cli.command("run", "--period", PERIOD).returncode == 0
    assert not left.intersection((disk.cli.data_dir / below).iterdir())


@pytest.mark.slow
def test_run__no_failure__changes_as_counted(disk: FailingDisk) -> None:
    assert disk.run().returncode == 0

    assert 100 < len(disk.changes()) < AT_MOST


@pytest.mark.slow
def test_run__dagsters_history__is_not_synced_for_each_event(disk: FailingDisk) -> None:
    assert disk.cli.command("run", "--period", PERIOD).returncode == 0
    assert disk.run(spare="").returncode == 0

    history = [operation for operation, path in disk.changes() if "/dagster/" in path]
    # Dagster writes about 80 events, each in transactions of its own, to several files.
    assert history.count("fdatasync") < 250
