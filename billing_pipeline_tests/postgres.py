"""A PostgreSQL server for the tests: a private port on loopback, and a temporary data folder."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import pytest

_INSTALLATIONS = Path("/usr/lib/postgresql")  # Debian's layout: one folder per major version
_UNPRIVILEGED = ("postgres", "nobody")
_SECONDS_TO_START = 60
_QUIET = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "shared_buffers=32MB")


class PostgresServer:
    """A running server.

    Attributes:
        host, port, user, password: how to reach it; passwords are checked (SCRAM-SHA-256).
    """

    host = "127.0.0.1"
    user = "billing"

    def __init__(self, password: str = "only:for/this@test") -> None:
        self.password = password
        self.port = _free_port()
        self._binaries = _binaries()
        self._account = _account()
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        try:
            self._initialise()
            self.start()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove()

    def connection_string(self, database: str, *, password: bool = True) -> str:
        """A libpq connection string: `host=… port=… user=… password=… dbname=…`."""
        parts = {"host": self.host, "port": self.port, "user": self.user, "dbname": database}
        if password:
            parts["password"] = self.password
        return " ".join(f"{name}={value}" for name, value in parts.items())

    def url(self, database: str) -> str:
        """The same as a URL."""
        return (
            f"postgresql://{quote(self.user, safe='')}:{quote(self.password, safe='')}"
            f"@{self.host}:{self.port}/{quote(database, safe='')}"
        )

    def create_database(self, name: str, *, template: str = "template1") -> None:
        """Create a database, by default an empty one."""
        if not re.fullmatch(r"\w+", name):
            raise ValueError(name)
        self.query(f'CREATE DATABASE "{name}" TEMPLATE "{template}"', database="postgres")

    def query(self, statement: str, *, database: str) -> list[list[str]]:
        """Query the server through `psql`; rows of strings, NULL as an empty one."""
        done = subprocess.run(
            [
                self._binaries / "psql",
                *("--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--field-separator=\t"),
                *("--set=ON_ERROR_STOP=1", "--command", statement),
                self.connection_string(database, password=False),
            ],
            env={**os.environ, "PGPASSWORD": self.password},
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS_TO_START,
        )
        assert done.returncode == 0, done.stderr
        return [line.split("\t") for line in done.stdout.splitlines()]

    def start(self) -> None:
        """Start it with its existing data."""
        with self._log.open("ab") as log:
            self._process = process = subprocess.Popen(
                [
                    str(self._binaries / "postgres"),
                    *("-D", str(self._data), "-p", str(self.port), "-k", str(self._folder)),
                    *(word for setting in _QUIET for word in ("-c", setting)),
                    *("-c", f"listen_addresses={self.host}"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                cwd=self._folder,
                text=True,
                **self._account,
            )
        deadline = time.monotonic() + _SECONDS_TO_START
        while not self._is_ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"PostgreSQL did not start: {self._log.read_text(errors='replace')}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop it immediately, despite open connections; its data stays."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)  # "fast shutdown"
            self._process.wait(_SECONDS_TO_START)
            self._process = None

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def _log(self) -> Path:
        return self._folder / "server.log"

    def _initialise(self) -> None:
        if self._account:
            shutil.chown(self._folder, self._account["user"], self._account["group"])
        password_file = self._folder / "password"
        password_file.write_text(self.password)
        password_file.chmod(0o644)
        done = subprocess.run(
            [
                self._binaries / "initdb",
                *("-D", self._data, "--username", self.user, "--auth", "scram-sha-256"),
                *("--pwfile", password_file, "--encoding", "UTF8", "--locale", "C", "--no-sync"),
            ],
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
            **self._account,
        )
        assert done.returncode == 0, done.stderr

    def _is_ready(self) -> bool:
        asked = [str(self._binaries / "pg_isready"), "--quiet", "--host", self.host, "--port", str(self.port)]
        return subprocess.run(asked, check=False).returncode == 0

    def _remove(self) -> None:
        try:
            self.stop()
        finally:
            if self._process is not None:
                self._process.kill()
            shutil.rmtree(self._folder, ignore_errors=True)


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A server that runs during a block."""
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One server for all tests of a process; each test creates its own database."""
    with postgres_server() as server:
        yield server


def is_installed() -> bool:
    """Whether a server's programs are installed."""
    return any(_INSTALLATIONS.glob("*/bin/initdb")) or shutil.which("initdb") is not None


def _binaries() -> Path:
    """The newest installed server's programs."""
    found = sorted(_INSTALLATIONS.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    path = found[-1] if found else shutil.which("initdb")
    if path is None:
        pytest.fail("These tests need a PostgreSQL server: install the package postgresql.")
    return Path(path).resolve().parent


def _account() -> Mapping[str, Any]:
    """PostgreSQL refuses to run as root, so root starts it as an unprivileged user."""
    if os.geteuid() != 0:
        return {}
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    account = next(known[name] for name in _UNPRIVILEGED if name in known)
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((PostgresServer.host, 0))
        port: int = probe.getsockname()[1]
        return port
