"""The command line as a process, with a data folder and settings of its own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from billing_pipeline_tests.harness.processes import run_command

# Prefixes of the environment variables that change what the command does.
OWN_SETTINGS = ("ACRONIS_", "AWS_", "BILLING_", "DAGSTER_", "PG")


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

    def with_settings(self, settings: Mapping[str, str | None]) -> dict[str, str]:
        merged = {**self.environment, **settings}
        return {name: value for name, value in merged.items() if value is not None}

    def query(self, statement: str) -> list[dict[str, Any]]:
        """Query the warehouse through `billing-pipeline sql`."""
        done = self.command("sql", statement, "--format", "json")
        assert done.returncode == 0, done.stderr
        rows: list[dict[str, Any]] = json.loads(done.stdout, parse_float=str)
        return rows
