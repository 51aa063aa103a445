"""Dagster's SQLite files, with connections that stay open and without a sync to disk for each event.

Dagster opens a connection for each event, in an engine of its own, and closes it again. Each commit is synced
to disk, and closing a database's last connection moves its write-ahead log into the file, which syncs twice
more: about 600 syncs a run. Dagster also reads all its migrations anew for each database that it opens.
The history is for display; the state that a run relies on is in the data folder and the warehouse.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

# A tenth of SQLite's default: the log, which is not removed after each event any more, stays below 0.5 MB.
_PAGES_OF_LOG = 100

_migrations: "dict[str | None, ScriptDirectory]" = {}


@contextmanager
def open_history() -> Iterator[None]:
    """Give Dagster one engine with a pool of connections for each SQLite file while the block runs.

    Databases in WAL mode are synced at checkpoints only: a power failure may lose the last events, and
    damages no file.
    """
    from alembic.script import ScriptDirectory  # noqa: PLC0415
    from dagster._core.storage.event_log.sqlite import sqlite_event_log  # noqa: PLC0415
    from dagster._core.storage.runs.sqlite import sqlite_run_storage  # noqa: PLC0415
    from dagster._core.storage.schedules.sqlite import sqlite_schedule_storage  # noqa: PLC0415
    from sqlalchemy import create_engine, event  # noqa: PLC0415
    from sqlalchemy.engine import Engine  # noqa: PLC0415
    from sqlalchemy.pool import QueuePool  # noqa: PLC0415

    engines: dict[str, Engine] = {}
    read_migrations = ScriptDirectory.from_config

    def engine_of(url: str, **options: Any) -> Engine:
        if url not in engines:
            engine = create_engine(url, **options | {"poolclass": QueuePool})
            event.listen(engine, "checkout", _sync_at_checkpoints)
            # Dagster disposes of the engine after each event, which would close the connections.
            stack.enter_context(patch.object(engine, "dispose"))
            engines[url] = engine
        return engines[url]

    def migrations_of(config: "Config") -> "ScriptDirectory":
        location = config.get_main_option("script_location")
        if location not in _migrations:
            _migrations[location] = read_migrations(config)
        return _migrations[location]

    with ExitStack() as stack:
        for storage in (sqlite_event_log, sqlite_run_storage, sqlite_schedule_storage):
            stack.enter_context(patch.object(storage, "create_engine", engine_of))
        stack.enter_context(patch.object(ScriptDirectory, "from_config", migrations_of))
        try:
            yield
        finally:
            for engine in engines.values():
                Engine.dispose(engine)


def _sync_at_checkpoints(connection: Any, record: Any, _: object) -> None:
    """Before each use of a connection, until its database is in WAL mode."""
    if record.info.get("is_in_wal_mode"):
        return
    (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    if mode == "wal":
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_PAGES_OF_LOG}")
        record.info["is_in_wal_mode"] = True
