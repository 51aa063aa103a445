"""`billing-pipeline sandbox`: bad arguments are one line on stderr."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest


def test_sandbox__port_in_use__one_line_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        _cannot_start(["--port", str(taken.getsockname()[1])], told="the sandbox cannot start: ")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--port", "99999"], "99999 is no port. Give --port a number from 0 to 65535."),
        (["--port", "-1"], "-1 is no port"),
        (["--port", "0", "--tenants", "-5"], "the sandbox cannot start"),
    ],
)
def test_sandbox__bad_argument__one_line_error(arguments: list[str], told: str) -> None:
    _cannot_start(arguments, told=told)


def _cannot_start(arguments: list[str], *, told: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "billing_pipeline", "sandbox", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert told in done.stderr
