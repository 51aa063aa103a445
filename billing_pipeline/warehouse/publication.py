"""One file that readers may always open, and one loader at a time that publishes the next one.

DuckDB lets one process write a file and then nobody else read it. So nobody ever writes the published
file: a loader works on a copy under a lock and renames it over the published one. This costs the disk
space of a second file while a load runs, and the time to copy the first.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib import resources
from pathlib import Path

import duckdb
from filelock import FileLock, Timeout

from billing_pipeline.errors import WarehouseError

_SCHEMA = ("usage.sql", "load_history.sql")
# DuckDB 1.5 still opens files of this version; without it, only 2.0 does.
_STORAGE_VERSION = "v1.5.0"
_SECONDS_TO_WAIT_FOR_ANOTHER_LOADER = 3600


@cache
def sql(name: str) -> str:
    """The text of a `.sql` file of this folder."""
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


class Warehouse:
    """`<data>/warehouse.duckdb`.

    Args:
        data_dir: the folder that holds it; made when something is first published.
    """

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / "warehouse.duckdb"
        self._next = data_dir / "warehouse.duckdb.next"
        self._lock = FileLock(data_dir / "warehouse.lock")
        self._temporary = data_dir / "warehouse.tmp"

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A read-only connection to the published state.

        Raises:
            WarehouseError: nothing has been published yet, or the file cannot be opened.
        """
        if not self.path.exists():
            raise WarehouseError(
                f"there is no warehouse at {self.path}",
                todo="Load a period first: billing-pipeline run.",
            )
        try:
            connection = duckdb.connect(str(self.path), read_only=True)
        except duckdb.Error as error:
            raise WarehouseError(
                f"{self.path} cannot be opened: {_first_line(error)}",
                todo="Close the program that has it open for writing; readers should open it read-only.",
            ) from error
        with connection:
            connection.execute("SET TimeZone = 'UTC'")
            yield connection

    @contextmanager
    def changing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection to a working copy, published if and only if the block ends without an error.

        Loaders of other processes wait for their turn. What a killed loader left is cleared.

        Raises:
            WarehouseError: the copy cannot be made, written or published; the published file is as it was.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._lock.acquire(timeout=_SECONDS_TO_WAIT_FOR_ANOTHER_LOADER):
                self._clear()
                try:
                    self._copy_published()
                    connection = self._open_next()
                    try:
                        yield connection
                        connection.execute("CHECKPOINT warehouse")
                    finally:
                        connection.close()
                    self._publish()
                finally:
                    self._clear()
        except Timeout:
            raise WarehouseError(
                "another loader has held the warehouse for an hour",
                todo=f"See what holds {self._lock.lock_file}, and run again.",
            ) from None
        except (OSError, duckdb.IOException, duckdb.OutOfMemoryException) as error:
            raise WarehouseError(
                f"the warehouse could not be changed: {_first_line(error)}",
                todo="The published warehouse is as it was: mend the cause (disk, rights) and run again.",
            ) from error

    def _copy_published(self) -> None:
        if not self.path.exists():
            return
        # Held open while it is copied: fails if some program has it open for writing.
        with self.reading():
            shutil.copyfile(self.path, self._next)
            with suppress(FileNotFoundError):
                shutil.copyfile(_wal(self.path), _wal(self._next))

    def _open_next(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect(":memory:", config={"temp_directory": str(self._temporary)})
        connection.execute("SET TimeZone = 'UTC'")
        path = str(self._next).replace("'", "''")
        connection.execute(f"ATTACH '{path}' AS warehouse (STORAGE_VERSION '{_STORAGE_VERSION}')")
        connection.execute("USE warehouse")
        for schema in _SCHEMA:
            connection.execute(sql(schema))
        return connection

    def _publish(self) -> None:
        with self._next.open("rb") as file:
            os.fsync(file.fileno())
        # A log that some program left beside the old file must not be replayed into the new one.
        _wal(self.path).unlink(missing_ok=True)
        self._next.replace(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _clear(self) -> None:
        self._next.unlink(missing_ok=True)
        _wal(self._next).unlink(missing_ok=True)
        shutil.rmtree(self._temporary, ignore_errors=True)


def _wal(database: Path) -> Path:
    return database.with_name(database.name + ".wal")


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0]
