"""What the fork server prepares once: the imports of a first run, and Dagster's empty databases."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

for name in (
    "billing_pipeline.cli.run",
    "billing_pipeline.cli.check",
    "billing_pipeline.cli.status",
    "billing_pipeline.cli.export",
    "billing_pipeline.cli.sql",
    "billing_pipeline.definitions",
    "billing_pipeline.month_report",
    "billing_pipeline.orchestration.runs",
    "dagster._core.execution.execute_in_process",
    "dagster._core.storage.sqlite_storage",
    "dagster._core.storage.event_log.sqlite",
    "dagster._core.storage.runs.sqlite",
    "dagster._core.storage.schedules.sqlite",
    "dagster._core.storage.local_compute_log_manager",
    "dagster._core.executor.in_process",
    "dagster._daemon.controller",
    "fsspec.implementations.local",
    "sqlalchemy.dialects.sqlite",
    "tabulate",
    "upath.implementations.local",
    # A target in a test module is found by importing that module.
    "pytest",
    "billing_pipeline_tests.harness.command_line",
):
    import_module(name)


def _new_databases() -> dict[Path, bytes]:
    """The files of a new Dagster home by relative path, made in a process of its own."""
    from billing_pipeline.orchestration import home

    with TemporaryDirectory() as folder:
        if (child := os.fork()) == 0:
            os.environ["DAGSTER_HOME"] = folder
            home.disable_telemetry()
            with home.dagster_instance() as instance:
                instance.get_runs(limit=1)
            os._exit(0)
        os.waitpid(child, 0)
        found = (path for path in Path(folder).rglob("*") if path.is_file())
        return {path.relative_to(folder): path.read_bytes() for path in found}


def _copy_databases() -> None:
    """Let a command find the databases that it would make: migrating empty ones takes as long as a load."""
    from billing_pipeline.orchestration import home

    databases, initialise = _new_databases(), home._initialise

    def copy_first(folder: Path, open_reports: int) -> None:
        if not (folder / "history").exists():
            for path, content in databases.items():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_bytes(content)
        initialise(folder, open_reports)

    patch.object(home, "_initialise", copy_first).start()


_copy_databases()
