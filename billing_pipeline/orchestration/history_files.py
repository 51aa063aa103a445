"""Dagster's SQLite files, written without a sync to disk and a new engine for each event.

Dagster opens a connection for each event and closes it again. Each commit is synced to disk, and closing a
database's last connection moves its write-ahead log into the file, which syncs twice more: about 600 syncs a
run. Each connection has an engine of its own, which inspects the database and compiles its statements anew.
The history is for display; the state that a run relies on is in the data folder and the warehouse.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any
from unittest.mock import patch

# A tenth of SQLite's default: the log, which is not removed after each event any more, stays below 0.5 MB.
_PAGES_OF_LOG = 100


@contextmanager
def few_syncs() -> Iterator[None]:
    """Hold each SQLite file in WAL mode open, and sync it at checkpoints only, while the block runs.

    A power failure may lose the last events; it damages no file.
    """
    from sqlalchemy import event  # noqa: PLC0415
    from sqlalchemy.engine import Engine  # noqa: PLC0415

    held: set[str] = set()
    with ExitStack() as connections:

        def connected(connection: object, _: object) -> None:
            if not isinstance(connection, sqlite3.Connection):
                return
            (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
            _, _, path = connection.execute("PRAGMA database_list").fetchone()
            if mode != "wal":
                return
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(f"PRAGMA wal_autocheckpoint = {_PAGES_OF_LOG}")
            if path not in held:
                held.add(path)
                holder = connections.enter_context(closing(sqlite3.connect(path, check_same_thread=False)))
                # Only a connection that has read holds the log open.
                holder.execute("SELECT count(*) FROM sqlite_master").fetchone()

        event.listen(Engine, "connect", connected)
        try:
            yield
        finally:
            event.remove(Engine, "connect", connected)


@contextmanager
def shared_engines() -> Iterator[None]:
    """Give Dagster one engine for each SQLite file while the block runs."""
    from dagster._core.storage.event_log.sqlite import sqlite_event_log  # noqa: PLC0415
    from dagster._core.storage.runs.sqlite import sqlite_run_storage  # noqa: PLC0415
    from sqlalchemy import create_engine  # noqa: PLC0415
    from sqlalchemy.engine import Engine  # noqa: PLC0415

    engines: dict[str, Engine] = {}

    def shared_engine(url: str, **options: Any) -> Engine:
        if url not in engines:
            engines[url] = create_engine(url, **options)
        return engines[url]

    with (
        patch.object(sqlite_event_log, "create_engine", shared_engine),
        patch.object(sqlite_run_storage, "create_engine", shared_engine),
    ):
        yield
