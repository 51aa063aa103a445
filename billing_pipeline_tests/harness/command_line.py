"""The command line as a process, with a data folder and settings of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from billing_pipeline_tests.harness.processes import run_command

# Root ignores file permissions unless it gives up these capabilities.
WITHOUT_ROOT_RIGHTS = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.getuid() == 0 else ()

# Prefixes of the environment variables that change what the command does.
OWN_SETTINGS = ("ACRONIS_", "AWS_", "BILLING_", "DAGSTER_", "PG")

_LOG_LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (INFO|WARNING|ERROR) (.+)")


def log_lines(stderr: str) -> list[tuple[str, str]]:
    """Level and message of each line on a stderr that is no terminal."""
    found = [(line, _LOG_LINE.fullmatch(line)) for line in stderr.splitlines()]
    assert all(match for _, match in found), stderr
    return [(match[1], match[2]) for _, match in found if match]


def errors(stderr: str) -> list[str]:
    """The errors on a stderr that is no terminal."""
    return [message for level, message in log_lines(stderr) if level == "ERROR"]


def warnings_and_errors(stderr: str) -> list[str]:
    """The warnings and errors on a stderr that is no terminal, as a terminal shows them."""
    prefixes = {"WARNING": "warning: ", "ERROR": ""}
    return [prefixes[level] + message for level, message in log_lines(stderr) if level in prefixes]


@dataclass
class CliHarness:
    """A data folder and the environment that points the command line at it and at a sandbox."""

    data_dir: Path
    environment: dict[str, str] = field(default_factory=dict)

    def command(
        self, *arguments: str, settings: Mapping[str, str | None] | None = None, timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run `billing-pipeline` as a process; a setting of None is unset."""
        return run_command(arguments, self.with_settings(settings or {}), timeout=timeout)

    def command_without_root_rights(
        self, *arguments: str, timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run `billing-pipeline` as a process that the permissions of files hold for."""
        return subprocess.run(
            [*WITHOUT_ROOT_RIGHTS, sys.executable, "-m", "billing_pipeline", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def with_settings(self, settings: Mapping[str, str | None]) -> dict[str, str]:
        merged = {**self.environment, **settings}
        return {name: value for name, value in merged.items() if value is not None}

    def query(self, statement: str) -> list[dict[str, Any]]:
        """Query the warehouse through `billing-pipeline sql`."""
        done = self.command("sql", statement, "--format", "json")
        assert done.returncode == 0, done.stderr
        rows: list[dict[str, Any]] = json.loads(done.stdout, parse_float=str)
        return rows
