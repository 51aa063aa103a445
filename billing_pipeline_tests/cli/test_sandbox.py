"""`billing-pipeline sandbox`: bad arguments are one line on stderr."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest


def test_sandbox__port_in_use__one_line_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        _cannot_start(["--port", str(taken.getsockname()[1])], message="the sandbox cannot start: ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--port", "99999"], "port 99999 is out of range. Set --port to a number from 0 to 65535."),
        (["--port", "-1"], "port -1 is out of range"),
        (["--port", "0", "--tenants", "-5"], "the sandbox cannot start"),
    ],
)
def test_sandbox__bad_argument__one_line_error(arguments: list[str], message: str) -> None:
    _cannot_start(arguments, message=message)


def _cannot_start(arguments: list[str], *, message: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "billing_pipeline", "sandbox", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert message in done.stderr
