"""A DuckDB file that is replaced by atomic rename: readers never block, one loader at a time.

While one process has a DuckDB file open for writing, no other can read it. So the published file is never
written: a loader changes a copy under a lock and renames it over the published file. Cost: disk space for a
second file during a load, and the time to copy the first; neither where the filesystem copies on write.
"""

import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import BinaryIO

import duckdb
from filelock import FileLock, Timeout

from billing_pipeline.errors import WarehouseError, first_line
from billing_pipeline.files import if_supported, make_folder, sync
from billing_pipeline.sql_files import ROW_GROUP, quote_literal
from billing_pipeline.warehouse.history import LoadAttempt, record
from billing_pipeline.warehouse.memory import (
    LOADING,
    READING,
    execute_restricted,
    folder_to_spill_to,
    limit_memory,
)
from billing_pipeline.warehouse.pending import PendingAttempts
from billing_pipeline.warehouse.schema import create_schema
from billing_pipeline.warehouse.warehouse import PUBLISHED, Result

# Storage version: DuckDB 1.5 can open the file, too. No write-ahead log: after a crash the copy is discarded.
_STORAGE_OPTIONS = f"STORAGE_VERSION 'v1.5.0', ROW_GROUP_SIZE {ROW_GROUP}, RECOVERY_MODE no_wal_writes"
_SECONDS_TO_WAIT_FOR_ANOTHER_LOADER = 3600
_WRITE_BITS = 0o222
_COPIED_AT_ONCE = 2**20
# From <linux/fs.h>; the same number on x86 and ARM.
_FICLONE = 0x40049409
# DuckDB's errors for a full disk, missing permissions or a lost file; all others are defects and propagate.
_ENVIRONMENT = (OSError, duckdb.OperationalError, duckdb.FatalException)

# DuckDB's messages for a locked file, refused access or a failing disk.
_HELD = "Could not set lock|Conflicting lock|used by another process"
_UNREACHABLE = (
    "Cannot open file|Could not open|Permission denied|Too many open files|No space left on device"
    "|File too large|Input/output error"
)
_CORRUPT = "Corrupt database file"


class WarehouseFile:
    """`<data>/warehouse.duckdb`.

    Args:
        data_dir: the folder that holds it; made when something is first published. A symbolic link is kept,
            and its target replaced.
    """

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / "warehouse.duckdb"
        if self.path.is_symlink():
            self.path = self.path.resolve()
        self.location = str(self.path)
        self._next = self.path.with_name(self.path.name + ".next")
        self._lock = FileLock(self.path.with_name("warehouse.lock"))
        self._temporary = self.path.with_name("warehouse.tmp")
        self._pending = PendingAttempts(self.path.with_name("warehouse.attempts"))
        self._log = self.path.with_name(self.path.name + ".wal")

    def exists(self) -> bool:
        """Whether anything has ever been published."""
        return self.path.exists()

    def execute_read_only(
        self, connection: duckdb.DuckDBPyConnection, query: str
    ) -> duckdb.DuckDBPyConnection:
        """No other files are read or written."""
        return execute_restricted(connection, query)

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A read-only connection to the published state."""
        if not self.path.exists():
            raise WarehouseError(
                f"there is no warehouse at {self.path}",
                todo="Load a period first: billing-pipeline run.",
            )
        pending = self._pending.read()
        try:
            connection = duckdb.connect(
                self.location, read_only=True, config={"temp_directory": folder_to_spill_to()}
            )
        except duckdb.Error as error:
            raise self._cannot_be_opened(error) from error
        with ExitStack() as on_error, self._explained_errors():
            on_error.callback(connection.close)
            connection.execute("SET TimeZone = 'UTC'")
            try:
                connection.execute("SELECT 1 FROM usage LIMIT 0")
            except duckdb.CatalogException:
                raise WarehouseError(
                    f"{self.path} has no tables", todo="Load a period first: billing-pipeline run."
                ) from None
            self._pending.show(connection, list(pending.values()))
            on_error.pop_all()
        return connection

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A read-only connection to the published state, with limited memory."""
        with self.connect() as connection, self._explained_errors():
            limit_memory(connection, READING)
            yield connection

    @contextmanager
    def _explained_errors(self) -> Iterator[None]:
        """Errors of DuckDB that come from the file, the disk or the memory as errors of the warehouse."""
        try:
            yield
        except duckdb.Error as error:
            if _CORRUPT in str(error) or f'"{self.path}"' in str(error):
                raise self._cannot_be_opened(error) from error
            if isinstance(error, duckdb.OutOfMemoryException):
                raise WarehouseError(
                    f"there is too little memory for the query: {first_line(error)}",
                    todo="Query less at once, such as one billing_period.",
                ) from error
            if isinstance(error, duckdb.IOException):
                raise WarehouseError(
                    f"the warehouse could not be read: {first_line(error)}",
                    todo="The warehouse is unchanged: fix the cause (disk, permissions) and run again.",
                ) from error
            raise

    def change(self, work: Callable[[duckdb.DuckDBPyConnection], Result]) -> Result:
        """Work in one transaction on a copy, published if and only if the work ends without an error.

        Loaders in other processes wait for the lock. The unfinished copy of a killed loader is removed.
        """
        if self._lock.is_locked:
            raise WarehouseError(
                "this thread is changing the warehouse already",
                todo="This is a defect: one change must end before the next begins.",
            )
        try:
            make_folder(self.path.parent)
            self._lock.acquire(timeout=_SECONDS_TO_WAIT_FOR_ANOTHER_LOADER)
            try:
                return self._change(work)
            finally:
                with suppress(OSError):
                    self._lock.release()
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
                todo="The published warehouse is unchanged: fix the cause (disk, permissions) and run again.",
            ) from error

    def record_failure(self, attempt: LoadAttempt) -> None:
        """Keep the attempt beside the file, because a change would copy all of it for one row."""
        if self.exists():
            self._pending.add(attempt)
        else:
            self.change(lambda connection: record(connection, attempt))

    def _change(self, work: Callable[[duckdb.DuckDBPyConnection], Result]) -> Result:
        """Work on a copy of the published file, and publish the copy.

        The published file stays attached during the change. That fails if another program has it open for
        writing, and prevents that during the change, because its changes would be lost.
        """
        self._remove_leftovers()
        before = self._state()
        # POSIX: closing any descriptor of a file releases all locks of the process on it. So the descriptor
        # to copy from stays open until DuckDB has closed its own.
        with self.path.open("rb") if before else nullcontext() as published:
            connection = duckdb.connect(":memory:", config={"temp_directory": str(self._temporary)})
            try:
                limit_memory(connection, LOADING)
                connection.execute("SET TimeZone = 'UTC'")
                if published:
                    self._attach(connection, self.path, f"{PUBLISHED} (READ_ONLY)")
                    with self._next.open("xb") as copy:
                        _copy(published, copy)
                # Another program's changes, which a copy of the file alone would lose.
                if self._log.exists():
                    raise WarehouseError(
                        f"another program has written to {self.path} and left a log of it, {self._log.name}",
                        todo="To keep what it wrote, make the file writable and open it once with DuckDB; to "
                        "drop it, move the log away. Then run again.",
                    )
                self._attach(connection, self._next, f"warehouse ({_STORAGE_OPTIONS})")
                connection.execute("USE warehouse")
                create_schema(connection)
                connection.execute("BEGIN")
                pending = self._pending.read()
                self._pending.insert(connection, list(pending.values()))
                result = work(connection)
                connection.execute("COMMIT")
                connection.execute("CHECKPOINT warehouse; USE memory; DETACH warehouse")
                self._publish(before)
                for path in pending:
                    with suppress(OSError):
                        path.unlink()
                return result
            finally:
                # A failed cleanup must hide neither the error of the change nor its success. On a full disk,
                # closing the discarded copy fails again.
                with suppress(duckdb.Error):
                    connection.close()
                with suppress(OSError):
                    self._remove_leftovers()

    def _attach(self, connection: duckdb.DuckDBPyConnection, path: Path, name_and_options: str) -> None:
        try:
            connection.execute(f"ATTACH {quote_literal(path)} AS {name_and_options}")
        except duckdb.Error as error:
            copied = self.path.exists() and not isinstance(error, _ENVIRONMENT)
            if (path == self.path or copied) and not isinstance(error, duckdb.OutOfMemoryException):
                raise self._cannot_be_opened(error) from error
            raise

    def _state(self) -> tuple[int, int, int] | None:
        """Identity, size and time of the published file; any write changes them."""
        found = self.path.stat() if self.exists() else None
        return found and (found.st_ino, found.st_size, found.st_mtime_ns)

    def _publish(self, before: tuple[int, int, int] | None) -> None:
        if self._log.exists() or self._state() != before:
            raise WarehouseError(
                f"another program has written to {self.path} while its next state was being made",
                todo="Nothing was published, and what it wrote is kept. Run again; writers should leave the "
                "file alone, or use a copy.",
            )
        mode = (self.path if self.path.exists() else self._next).stat().st_mode
        # Most clients open files read-write by default. Without write permission such a client is refused
        # instead of locking out loaders and readers.
        with if_supported():
            self._next.chmod(mode & ~_WRITE_BITS)
        sync(self._next)
        self._next.replace(self.path)
        # The file is published, so no error may follow. A power failure before this call loses the load at
        # most.
        with suppress(OSError):
            sync(self.path.parent)

    def _remove_leftovers(self) -> None:
        self._next.unlink(missing_ok=True)
        self._next.with_name(self._next.name + ".wal").unlink(missing_ok=True)
        shutil.rmtree(self._temporary, ignore_errors=True)

    def _cannot_be_opened(self, error: Exception) -> WarehouseError:
        message = first_line(error)
        if re.search(_HELD, message):
            todo = "Close the program that has it open for writing; readers should open it read-only."
        elif re.search(_UNREACHABLE, message):
            todo = "Fix the cause (permissions, disk) and run again."
        else:
            todo = (
                f"It is damaged, or of another version of DuckDB: move it away, with {self._log.name} "
                "if that is there, and load every period again from its raw report with "
                "`billing-pipeline run --replay`. No further report is requested."
            )
        return WarehouseError(f"{self.path} cannot be opened: {message}", todo=todo)


def _copy(published: BinaryIO, copy: BinaryIO) -> None:
    """Copy a file; copy-on-write where the filesystem can (Btrfs, XFS): no byte is read or written then."""
    if sys.platform == "linux":
        # Imported here, because other systems lack it.
        import fcntl  # noqa: PLC0415

        with suppress(OSError):  # most filesystems cannot, and say so in many ways
            fcntl.ioctl(copy.fileno(), _FICLONE, published.fileno())
            return
    shutil.copyfileobj(published, copy, _COPIED_AT_ONCE)
