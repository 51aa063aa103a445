"""What the fork server prepares once: the imports of a first run, and the files that it would make.

Dagster's empty databases and an empty warehouse: making them takes as long as a load.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from filelock import FileLock

from billing_pipeline.settings import PipelineSettings
from billing_pipeline_tests.harness.empty_warehouse import (
    EMPTY_WAREHOUSE,
    copies_of_empty_warehouse,
    make_empty_warehouse,
)

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


def _made_apart(make: Callable[[Path], None]) -> dict[Path, bytes]:
    """The files that a process of its own makes in a new folder, by relative path."""
    with TemporaryDirectory() as folder:
        if (child := os.fork()) == 0:
            make(Path(folder))
            os._exit(0)
        os.waitpid(child, 0)
        found = (path for path in Path(folder).rglob("*") if path.is_file())
        return {path.relative_to(folder): path.read_bytes() for path in found}


def _copy_databases() -> None:
    from dagster._core.storage.event_log.sqlite import SqliteEventLogStorage
    from sqlalchemy.engine import Engine

    from billing_pipeline.orchestration import home

    def make(folder: Path) -> None:
        os.environ["DAGSTER_HOME"] = str(folder)
        home.disable_telemetry()
        with home.existing_instance() as instance:
            instance.get_runs(limit=1)
            instance.all_logs(of_a_run.stem)

    of_a_run = Path("history", "runs", "one.db")
    databases, make_home = _made_apart(make), home._make_home
    empty, make_tables = databases.pop(of_a_run), SqliteEventLogStorage._initdb

    def copy_first(settings: PipelineSettings) -> FileLock:
        lock = make_home(settings)
        folder = settings.data_dir / "dagster"
        if not (folder / "history").exists():
            for path, content in databases.items():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_bytes(content)
        return lock

    def copy_first_of_run(self: SqliteEventLogStorage, engine: Engine, for_index_shard: bool = False) -> None:
        path = Path(engine.url.database or "")
        if not path.exists():
            # Atomically, because the process may be killed; with the rights that SQLite gives.
            descriptor = os.open(path.with_suffix(".new"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
            with os.fdopen(descriptor, "wb") as file:
                file.write(empty)
            path.with_suffix(".new").rename(path)
        make_tables(self, engine, for_index_shard)

    patch.object(home, "_make_home", copy_first).start()
    patch.object(SqliteEventLogStorage, "_initdb", copy_first_of_run).start()


def _copy_empty_warehouse() -> None:
    copies_of_empty_warehouse(_made_apart(make_empty_warehouse)[EMPTY_WAREHOUSE]).start()


def _read_migrations() -> None:
    from alembic.script import ScriptDirectory
    from dagster._core.storage.event_log.sqlite.sqlite_event_log import __file__ as storage
    from dagster._core.storage.sql import get_alembic_config

    from billing_pipeline.orchestration.history_files import open_history

    with open_history():
        ScriptDirectory.from_config(get_alembic_config(storage)).as_revision_number("head")


def _compile_templates() -> None:
    from billing_pipeline.month_report.page import templates

    for name in ("page.html", "index.html"):
        templates().get_template(name)


_read_migrations()
_compile_templates()
_copy_databases()
_copy_empty_warehouse()
# Each process would search it for garbage.
gc.collect()
gc.freeze()
