"""One file that readers may always open, and one loader at a time that publishes the next one.

DuckDB lets one process write a file and then nobody else read it. So nobody ever writes the published
file: a loader works on a copy under a lock and renames it over the published one. This costs the disk
space of a second file while a load runs, and the time to copy the first.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import duckdb
from filelock import FileLock, Timeout

from billing_pipeline.errors import WarehouseError, first_line
from billing_pipeline.row_groups import ROW_GROUP
from billing_pipeline.sql_files import quote_literal
from billing_pipeline.warehouse import memory
from billing_pipeline.warehouse.schema import create_schema, is_outdated
from billing_pipeline.warehouse.warehouse import PUBLISHED, Result

# DuckDB 1.5 still opens files of this version; without it, only 2.0 does.
_STORAGE_VERSION = "v1.5.0"
_SECONDS_TO_WAIT_FOR_ANOTHER_LOADER = 3600
_WRITE_BITS = 0o222
_COPIED_AT_ONCE = 2**20
# What a full disk, missing rights or a lost file make of DuckDB; anything else is a defect and stays one.
_ENVIRONMENT = (OSError, duckdb.OperationalError, duckdb.FatalException)


# How DuckDB says that the file is locked, or that the system does not let it in; the rest is damage.
_HELD = ("Could not set lock", "Conflicting lock", "used by another process")
_UNREACHABLE = ("Cannot open file", "Permission denied", "Could not open", "Too many open files")
_CORRUPT = "Corrupt database file"


class WarehouseFile:
    """`<data>/warehouse.duckdb`.

    Args:
        data_dir: the folder that holds it; made when something is first published. Where the file is a
            symbolic link, that stays, and the file that it points to is replaced.
    """

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / "warehouse.duckdb"
        if self.path.is_symlink():
            self.path = self.path.resolve()
        self._next = self.path.with_name(self.path.name + ".next")
        self._lock = FileLock(self.path.with_name("warehouse.lock"))
        self._temporary = self.path.with_name("warehouse.tmp")
        self._folded_log = self.path.with_name(self.path.name + ".wal.folded")

    @property
    def place(self) -> str:
        """Its path."""
        return str(self.path)

    def exists(self) -> bool:
        """Whether anything has ever been published."""
        return self.path.exists()

    def confine(self, connection: duckdb.DuckDBPyConnection, query: str) -> None:  # noqa: ARG002
        """Read-only keeps the warehouse; these keep every other file (COPY … TO, ATTACH)."""
        connection.execute("SET enable_external_access = false; SET lock_configuration = true")

    def maintain(self, *, keep_days: int, grace_hours: int) -> str:  # noqa: ARG002
        """Each load makes a new file, which holds one state and no litter."""
        return f"{self.path} is one file with one state: there is nothing to do."

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
        with self._opened() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            try:
                yield connection
            except duckdb.Error as error:
                if _CORRUPT in str(error) or isinstance(error, duckdb.IOException):
                    raise self._cannot_be_opened(error) from error
                raise

    def change(
        self,
        subject: str,  # noqa: ARG002
        action: str,  # noqa: ARG002
        work: Callable[[duckdb.DuckDBPyConnection], Result],
    ) -> Result:
        """Work in one transaction on a copy, published if and only if the work ends without an error.

        Loaders of other processes wait for their turn, whatever they change. What a killed loader left is
        cleared.

        Raises:
            WarehouseError: the copy cannot be made, written or published; the published file is as it was.
        """
        if self.exists() and not self._lock.is_locked:
            self._opened().close()
        return self._change(work)

    def _opened(self) -> duckdb.DuckDBPyConnection:
        """A read-only connection; a file of an earlier version, or an empty one, first gets what it lacks."""
        connection = self._connected()
        if is_outdated(connection):
            connection.close()
            self._change(lambda _: None)
            connection = self._connected()
        return connection

    def _connected(self) -> duckdb.DuckDBPyConnection:
        try:
            return duckdb.connect(str(self.path), read_only=True)
        except duckdb.Error as error:
            raise self._cannot_be_opened(error) from error

    def _change(self, work: Callable[[duckdb.DuckDBPyConnection], Result]) -> Result:
        if self._lock.is_locked:
            raise WarehouseError(
                "the warehouse is being changed by this very thread",
                todo="This is a defect: one change must end before the next begins.",
            )
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._lock.acquire(timeout=_SECONDS_TO_WAIT_FOR_ANOTHER_LOADER):
                self._recover_log()
                self._clear()
                try:
                    with self._guarded() as (connection, published):
                        before = self._as_it_is()
                        self._copy(connection, published)
                        connection.execute("BEGIN")
                        result = work(connection)
                        connection.execute("COMMIT")
                        connection.execute("CHECKPOINT warehouse; USE memory; DETACH warehouse")
                        # While the published file is still held, so that nothing is written to it meanwhile.
                        self._publish(before)
                        return result
                finally:
                    self._clear()
        except Timeout:
            raise WarehouseError(
                "another loader has held the warehouse for an hour",
                todo=f"See what holds {self._lock.lock_file}, and run again.",
            ) from None
        except (OSError, duckdb.Error) as error:
            if _CORRUPT in str(error):
                raise self._cannot_be_opened(error) from error
            if not isinstance(error, _ENVIRONMENT):
                raise
            raise WarehouseError(
                f"the warehouse could not be changed: {first_line(error)}",
                todo="The published warehouse is as it was: mend the cause (disk, rights) and run again.",
            ) from error

    @contextmanager
    def _guarded(self) -> Iterator[tuple[duckdb.DuckDBPyConnection, BinaryIO | None]]:
        """A connection that has the published file attached for as long as the change lasts, and that file.

        This fails while some program has the file open for writing, and keeps any from doing so, because
        what it wrote would be lost.
        """
        connection = duckdb.connect(":memory:", config={"temp_directory": str(self._temporary)})
        published: BinaryIO | None = None
        try:
            memory.bound(connection)
            connection.execute("SET TimeZone = 'UTC'")
            if self.path.exists():
                self._attach(connection, self.path, f"{PUBLISHED} (READ_ONLY)")
                # A process that closes any descriptor of a file gives up all its locks on it (POSIX), so the
                # one to copy from stays open until DuckDB has closed its own.
                published = self.path.open("rb")
            yield connection, published
        finally:
            # After an error nothing of the copy is wanted, and closing a full disk's file fails again.
            with suppress(duckdb.Error):
                connection.close()
            if published is not None:
                published.close()

    def _copy(self, connection: duckdb.DuckDBPyConnection, published: BinaryIO | None) -> None:
        if published is not None:
            with self._next.open("xb") as copy:
                shutil.copyfileobj(published, copy, _COPIED_AT_ONCE)
            with suppress(FileNotFoundError):
                shutil.copyfile(_wal(self.path), _wal(self._next))
        # No log of its own: after a crash the copy is thrown away.
        options = (
            f"STORAGE_VERSION '{_STORAGE_VERSION}', ROW_GROUP_SIZE {ROW_GROUP}, RECOVERY_MODE no_wal_writes"
        )
        self._attach(connection, self._next, f"warehouse ({options})")
        connection.execute("USE warehouse")
        create_schema(connection)

    def _attach(self, connection: duckdb.DuckDBPyConnection, path: Path, name_and_options: str) -> None:
        try:
            connection.execute(f"ATTACH {quote_literal(path)} AS {name_and_options}")
        except duckdb.Error as error:
            copied = self.path.exists() and not isinstance(error, _ENVIRONMENT)
            if (path == self.path or copied) and not isinstance(error, duckdb.OutOfMemoryException):
                raise self._cannot_be_opened(error) from error
            raise

    def _as_it_is(self) -> tuple[tuple[int, int, int] | None, ...]:
        """What tells whether anybody has written to the published file or to its log."""
        return tuple(
            (found.st_ino, found.st_size, found.st_mtime_ns) if (found := _stat(path)) else None
            for path in (self.path, _wal(self.path))
        )

    def _publish(self, before: tuple[tuple[int, int, int] | None, ...]) -> None:
        if self._as_it_is() != before:
            raise WarehouseError(
                f"another program has written to {self.path} while its next state was being made",
                todo="Nothing was published, and what it wrote is kept. Run again; writers should leave the "
                "file alone, or use a copy.",
            )
        mode = (self.path if self.path.exists() else self._next).stat().st_mode
        # Without write permission a program that opens the file "just to look", but read-write (the default
        # of most), is told so, instead of locking loaders and readers out.
        self._next.chmod(mode & ~_WRITE_BITS)
        with self._next.open("rb") as file:
            os.fsync(file.fileno())
        # A log that some program left beside the old file is in the copy. DuckDB would not open the new file
        # beside it, so it is put aside first; it is removed only when the old file is gone.
        with suppress(FileNotFoundError):
            _wal(self.path).replace(self._folded_log)
        try:
            self._next.replace(self.path)
        except OSError:
            self._recover_log()
            raise
        self._folded_log.unlink(missing_ok=True)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _recover_log(self) -> None:
        """Give the published file back the log that a killed loader had put aside and not come to replace."""
        if self._folded_log.exists() and self._next.exists():
            self._folded_log.replace(_wal(self.path))
        self._folded_log.unlink(missing_ok=True)

    def _clear(self) -> None:
        self._next.unlink(missing_ok=True)
        _wal(self._next).unlink(missing_ok=True)
        shutil.rmtree(self._temporary, ignore_errors=True)

    def _cannot_be_opened(self, error: Exception) -> WarehouseError:
        told = first_line(error)
        if any(sign in told for sign in _HELD):
            todo = "Close the program that has it open for writing; readers should open it read-only."
        elif any(sign in told for sign in _UNREACHABLE):
            todo = "Mend the cause (rights, disk) and run again."
        else:
            todo = (
                f"It is damaged, or of another version of DuckDB: move it away, with {_wal(self.path).name} "
                "if that is there, and load every period again from its raw report with "
                "`billing-pipeline run --replay`. No further report is ordered."
            )
        return WarehouseError(f"{self.path} cannot be opened: {told}", todo=todo)


def _stat(path: Path) -> os.stat_result | None:
    with suppress(FileNotFoundError):
        return path.stat()
    return None


def _wal(database: Path) -> Path:
    return database.with_name(database.name + ".wal")
