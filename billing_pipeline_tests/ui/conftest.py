"""A real `dagster dev` and a real browser."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from billing_pipeline_tests.dagster_ui import wait_until_serving
from billing_pipeline_tests.harness.command_line import CliHarness
from billing_pipeline_tests.harness.processes import free_port


@dataclass
class RunningUi:
    """`billing-pipeline ui`, serving."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def stop(self) -> None:
        """Like a script or a service manager: SIGTERM to the command."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()


def start_ui(cli: CliHarness, log: Path, project: Path | None = None) -> RunningUi:
    """Start the UI, of another copy of the project if one is given, and wait until it serves."""
    port = free_port()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                # Ignores SIGINT, as the background jobs of a script do.
                *("sh", "-c", "trap '' INT; exec \"$@\"", "sh"),
                *(sys.executable, "-m", "billing_pipeline", "ui", "--port", str(port)),
            ],
            env=cli.environment,
            cwd=project,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    ui = RunningUi(f"http://127.0.0.1:{port}", process, log)
    try:
        wait_until_serving(ui.url, process)
    except AssertionError as error:
        ui.stop()
        pytest.fail(f"{error}:\n{log.read_text()[-3000:]}")
    return ui


@pytest.fixture
def ui(cli: CliHarness, tmp_path: Path) -> Iterator[RunningUi]:
    """The UI on an empty data folder, with the sandbox as its API."""
    running = start_ui(cli, tmp_path / "ui.log")
    yield running
    running.stop()
