"""What every test may use: a running sandbox, and the command line in a place of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from billing_pipeline.sandbox import Sandbox

OWN_SETTINGS = ("ACRONIS_", "BILLING_", "DAGSTER_")


@dataclass
class Workplace:
    """A data folder and the environment that points the command line at it and at a sandbox."""

    data_dir: Path
    environment: dict[str, str] = field(default_factory=dict)

    def command(
        self, *arguments: str, settings: Mapping[str, str | None] | None = None, timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run `billing-pipeline` as a process; a setting of None is taken away."""
        return subprocess.run(
            [sys.executable, "-m", "billing_pipeline", *arguments],
            env=self.with_settings(settings or {}),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def with_settings(self, settings: Mapping[str, str | None]) -> dict[str, str]:
        merged = {**self.environment, **settings}
        return {name: value for name, value in merged.items() if value is not None}

    def query(self, statement: str) -> list[dict[str, Any]]:
        """Ask the warehouse through `billing-pipeline sql`."""
        done = self.command("sql", statement, "--format", "json")
        assert done.returncode == 0, done.stderr
        rows: list[dict[str, Any]] = json.loads(done.stdout, parse_float=str)
        return rows


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(OWN_SETTINGS):
            monkeypatch.delenv(name)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A small distributor whose reports are ready almost at once."""
    with Sandbox(tenants=8, ready_after_seconds=0.2) as running:
        yield running


@pytest.fixture
def workplace(tmp_path: Path, sandbox: Sandbox) -> Workplace:
    """The command line, with the sandbox's credentials and an empty data folder."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith(OWN_SETTINGS)}
    data_dir = tmp_path / "data"
    return Workplace(
        data_dir,
        {
            **outside,
            "ACRONIS_BASE_URL": sandbox.base_url,
            "ACRONIS_CLIENT_ID": sandbox.client_id,
            "ACRONIS_CLIENT_SECRET": sandbox.client_secret,
            "ACRONIS_POLL_INTERVAL_SECONDS": "0.1",
            "BILLING_DATA_DIR": str(data_dir),
        },
    )
