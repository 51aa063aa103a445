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
from pathlib import Path

import duckdb
from filelock import FileLock, Timeout

from billing_pipeline.errors import WarehouseError
from billing_pipeline.warehouse.schema import create_schema

PUBLISHED = "published"
"""Name under which a loader sees the state before its change, read-only, beside its working copy."""

# DuckDB 1.5 still opens files of this version; without it, only 2.0 does.
_STORAGE_VERSION = "v1.5.0"
_SECONDS_TO_WAIT_FOR_ANOTHER_LOADER = 3600
_WRITE_BITS = 0o222
# What a full disk, missing rights or a lost file make of DuckDB; anything else is a defect and stays one.
_ENVIRONMENT = (OSError, duckdb.OperationalError, duckdb.FatalException)


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
            raise self._cannot_be_opened(error) from error
        with connection:
            connection.execute("SET TimeZone = 'UTC'")
            yield connection

    @contextmanager
    def changing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection to a working copy, published if and only if the block ends without an error.

        Loaders of other processes wait for their turn. What a killed loader left is cleared. The state
        before the change is there too, attached read-only as `published`, if anything was published.

        Raises:
            WarehouseError: the copy cannot be made, written or published; the published file is as it was.
        """
        if self._lock.is_locked:
            raise WarehouseError(
                "the warehouse is being changed by this very thread",
                todo="This is a defect: one change must end before the next begins.",
            )
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._lock.acquire(timeout=_SECONDS_TO_WAIT_FOR_ANOTHER_LOADER):
                self._clear()
                try:
                    with self._working_copy() as connection:
                        yield connection
                        connection.execute("CHECKPOINT warehouse")
                    self._publish()
                finally:
                    self._clear()
        except Timeout:
            raise WarehouseError(
                "another loader has held the warehouse for an hour",
                todo=f"See what holds {self._lock.lock_file}, and run again.",
            ) from None
        except _ENVIRONMENT as error:
            raise WarehouseError(
                f"the warehouse could not be changed: {_first_line(error)}",
                todo="The published warehouse is as it was: mend the cause (disk, rights) and run again.",
            ) from error

    @contextmanager
    def _working_copy(self) -> Iterator[duckdb.DuckDBPyConnection]:
        connection = duckdb.connect(":memory:", config={"temp_directory": str(self._temporary)})
        try:
            connection.execute("SET TimeZone = 'UTC'")
            if self.path.exists():
                # Attached for as long as the change lasts: fails while some program has the file open for
                # writing, and keeps any from doing so, because what it wrote would be lost.
                self._attach(connection, self.path, f"{PUBLISHED} (READ_ONLY)")
                shutil.copyfile(self.path, self._next)
                with suppress(FileNotFoundError):
                    shutil.copyfile(_wal(self.path), _wal(self._next))
            self._attach(connection, self._next, f"warehouse (STORAGE_VERSION '{_STORAGE_VERSION}')")
            connection.execute("USE warehouse")
            create_schema(connection)
            yield connection
        finally:
            # After an error nothing of the copy is wanted, and closing a full disk's file fails again.
            with suppress(duckdb.Error):
                connection.close()

    def _attach(self, connection: duckdb.DuckDBPyConnection, path: Path, name_and_options: str) -> None:
        quoted = str(path).replace("'", "''")
        try:
            connection.execute(f"ATTACH '{quoted}' AS {name_and_options}")
        except duckdb.IOException as error:
            if path == self.path:
                raise self._cannot_be_opened(error) from error
            raise

    def _publish(self) -> None:
        mode = (self.path if self.path.exists() else self._next).stat().st_mode
        # Without write permission a program that opens the file "just to look", but read-write (the default
        # of most), is told so, instead of locking loaders and readers out.
        self._next.chmod(mode & ~_WRITE_BITS)
        with self._next.open("rb") as file:
            os.fsync(file.fileno())
        # A log that some program left beside the old file is in the copy; into the new one it must not be
        # replayed again.
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

    def _cannot_be_opened(self, error: duckdb.Error) -> WarehouseError:
        return WarehouseError(
            f"{self.path} cannot be opened: {_first_line(error)}",
            todo="Close the program that has it open for writing; readers should open it read-only.",
        )


def _wal(database: Path) -> Path:
    return database.with_name(database.name + ".wal")


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0]
