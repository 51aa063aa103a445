"""The sandbox as a program, and its independence of the code that it is a witness for."""

from __future__ import annotations

import ast
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

import billing_pipeline.sandbox

COMMAND = [sys.executable, "-m", "billing_pipeline", "sandbox", "--port", "0", "--tenants", "2"]


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_sandbox_command__signal__stops_after_serving(stop: signal.Signals) -> None:
    process = subprocess.Popen(COMMAND, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(4)]
        settings = dict(re.findall(r"(ACRONIS_\w+)=(\S+)", "".join(lines)))
        answer = requests.post(
            settings["ACRONIS_BASE_URL"] + "/api/2/idp/token",
            auth=(settings["ACRONIS_CLIENT_ID"], settings["ACRONIS_CLIENT_SECRET"]),
            data={"grant_type": "client_credentials"},
            timeout=10,
        )
        assert answer.json()["access_token"]
        process.send_signal(stop)
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def test_sandbox_package__imports__nothing_of_the_pipeline() -> None:
    for path in Path(billing_pipeline.sandbox.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            ours = [name for name in names if name.startswith("billing_pipeline")]
            assert all(name.startswith("billing_pipeline.sandbox") for name in ours), path
