"""A real `dagster dev` and a real browser."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Page

from billing_pipeline_tests.harness.command_line import CliHarness

_SECONDS_TO_START = 120


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that notes every request to another host."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    yield context.new_page()
    context.close()


@dataclass
class RunningUi:
    """`make ui`'s own command, serving."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def stop(self) -> None:
        """Like Ctrl-C: SIGINT to all of its processes."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()


def start_ui(cli: CliHarness, log: Path, project: Path | None = None) -> RunningUi:
    """Start the UI, of another copy of the project if one is given, and wait until it serves."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "billing_pipeline.ui", "--port", str(port)],
            env=cli.environment,
            cwd=project,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    ui = RunningUi(f"http://127.0.0.1:{port}", process, log)
    deadline = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urlopen(f"{ui.url}/server_info", timeout=5):
                return ui
        except (URLError, OSError):
            time.sleep(0.3)
    ui.stop()
    pytest.fail(f"the UI did not start:\n{log.read_text()[-3000:]}")


@pytest.fixture
def ui(cli: CliHarness, tmp_path: Path) -> Iterator[RunningUi]:
    """The UI on an empty data folder, with the sandbox as its API."""
    running = start_ui(cli, tmp_path / "ui.log")
    yield running
    running.stop()
