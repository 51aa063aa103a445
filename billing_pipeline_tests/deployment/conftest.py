"""The services of deploy/compose.yaml as processes: their own commands and settings, a real PostgreSQL."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from billing_pipeline.settings import PROJECT_ROOT
from billing_pipeline_tests.dagster_ui import is_serving
from billing_pipeline_tests.faults.sandbox import FaultySandbox
from billing_pipeline_tests.harness.command_line import CliHarness
from billing_pipeline_tests.harness.processes import free_port
from billing_pipeline_tests.postgres import PostgresServer, postgres

__all__ = ["postgres"]

DEPLOY = PROJECT_ROOT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
PASSWORDS = {
    "DAGSTER_POSTGRES_PASSWORD": "dag:st/er@it's$one\\two",
    "LAKE_POSTGRES_PASSWORD": "the'lake%20password",
}
_SECONDS_TO_START = 120


@dataclass
class Deployment:
    """Running services.

    Args:
        url: the webserver's.
        folder: holds their home, logs and data.
    """

    url: str
    folder: Path
    home: Path
    environment: dict[str, str]
    cli: CliHarness
    sandbox: FaultySandbox
    postgres: PostgresServer
    services: dict[str, subprocess.Popen[bytes]]

    def are_up(self) -> bool:
        return all(service.poll() is None for service in self.services.values())


@pytest.fixture
def deployment(databases: PostgresServer, sandbox: FaultySandbox, cli: CliHarness) -> Iterator[Deployment]:
    """PostgreSQL with its databases, code server, webserver and daemon, up and healthy."""
    folder = cli.data_dir.parent
    home = folder / "home"
    home.mkdir()
    for name in ("dagster.yaml", "workspace.yaml"):
        (home / name).write_bytes((DEPLOY / name).read_bytes())
    ports = {"code": free_port(), "webserver": free_port()}
    environment = {
        **cli.environment,
        **PASSWORDS,
        "DAGSTER_HOME": str(home),
        "BILLING_CODE_HOST": "127.0.0.1",
        "BILLING_CODE_PORT": str(ports["code"]),
        "BILLING_OPEN_REPORTS": "3",
        "DAGSTER_POSTGRES_HOST": databases.host,
        "DAGSTER_POSTGRES_PORT": str(databases.port),
        "DAGSTER_POSTGRES_DB": "dagster",
        "DAGSTER_POSTGRES_USER": "dagster",
        "DAGSTER_COMPUTE_LOGS": str(folder / "compute-logs"),
    }
    cli = CliHarness(cli.data_dir, environment)
    services: dict[str, subprocess.Popen[bytes]] = {}
    url = f"http://127.0.0.1:{ports['webserver']}"
    healthy = ["dagster", "api", "grpc-health-check", "--port", str(ports["code"])]
    with ExitStack() as running:

        def start(name: str) -> None:
            command = _command(name, ports.get(name))
            services[name] = running.enter_context(_service(name, command, environment, home, folder))

        def wait_for(ready: Callable[[], bool]) -> None:
            deadline = time.monotonic() + _SECONDS_TO_START
            while not ready():
                ended = [name for name, service in services.items() if service.poll() is not None]
                logs = "\n".join((folder / f"{name}.log").read_text()[-3000:] for name in services)
                assert not ended, logs
                assert time.monotonic() < deadline, logs
                time.sleep(0.3)

        start("code")
        wait_for(lambda: _listens(ports["code"]))
        checked = subprocess.run(
            _executable(healthy), env=environment, cwd=home, check=False, capture_output=True
        )
        assert checked.returncode == 0, checked.stderr
        start("webserver")
        start("daemon")
        wait_for(lambda: is_serving(url))
        yield Deployment(url, folder, home, environment, cli, sandbox, databases, services)


@pytest.fixture(scope="session")
def databases(postgres: PostgresServer) -> PostgresServer:
    """A server on which deploy/databases.sh was run, as the PostgreSQL image does."""
    done = subprocess.run(
        ["bash", DEPLOY / "databases.sh"],
        env={
            **os.environ,
            **PASSWORDS,
            "PGHOST": postgres.host,
            "PGPORT": str(postgres.port),
            "PGPASSWORD": postgres.password,
            "POSTGRES_USER": postgres.user,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return postgres


@contextmanager
def _service(
    name: str, command: Sequence[str | Path], environment: dict[str, str], home: Path, folder: Path
) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            command, env=environment, cwd=home, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield process
    finally:
        children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(15)
        process.kill()
        process.wait()
        for child in children:
            with suppress(psutil.NoSuchProcess):
                child.kill()


def _command(name: str, port: int | None) -> list[str | Path]:
    """The service's own command, with a port of this test's on loopback."""
    words = [str(word) for word in COMPOSE["services"][name]["command"]]
    words = ["127.0.0.1" if word == "0.0.0.0" else word for word in words]
    if port is not None:
        words[words.index("--port") + 1] = str(port)
    return _executable(words)


def _executable(words: list[str]) -> list[str | Path]:
    return [Path(sys.executable).parent / words[0], *words[1:]]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
