"""One file that readers may always open, and one loader at a time that publishes the next one.

DuckDB lets one process write a file and then nobody else read it. So nobody ever writes the published
file: a loader works on a copy under a lock and renames it over the published one. This costs the disk
space of a second file while a load runs, and the time to copy the first.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import duckdb
from filelock import FileLock, Timeout

from billing_pipeline.errors import WarehouseError, first_line
from billing_pipeline.files import sync_folder
from billing_pipeline.sql_files import ROW_GROUP, quote_literal
from billing_pipeline.warehouse.schema import create_schema
from billing_pipeline.warehouse.warehouse import PUBLISHED, Result

# DuckDB 1.5 still opens files of this version; without it, only 2.0 does. The copy needs no log of its own:
# after a crash it is thrown away.
_STORAGE_OPTIONS = f"STORAGE_VERSION 'v1.5.0', ROW_GROUP_SIZE {ROW_GROUP}, RECOVERY_MODE no_wal_writes"
_SECONDS_TO_WAIT_FOR_ANOTHER_LOADER = 3600
_WRITE_BITS = 0o222
_COPIED_AT_ONCE = 2**20
# MB. Twice what a thread needs while it reads rows; what checks need beyond it goes to the temporary folder.
_MEMORY_PER_THREAD = 200
# What a full disk, missing rights or a lost file make of DuckDB; anything else is a defect and stays one.
_ENVIRONMENT = (OSError, duckdb.OperationalError, duckdb.FatalException)
# How a filesystem says that it does not know a call.
_UNSUPPORTED = {errno.EINVAL, errno.ENOTSUP, errno.EPERM}

# How DuckDB says that the file is locked, that the system refuses access, or that the disk fails.
_HELD = ("Could not set lock", "Conflicting lock", "used by another process")
_UNREACHABLE = (
    "Cannot open file",
    "Permission denied",
    "Could not open",
    "Too many open files",
    "No space left on device",
    "File too large",
    "Input/output error",
)
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
        self._log = self.path.with_name(self.path.name + ".wal")

    @property
    def location(self) -> str:
        """Its path."""
        return str(self.path)

    def exists(self) -> bool:
        """Whether anything has ever been published."""
        return self.path.exists()

    def execute_read_only(
        self, connection: duckdb.DuckDBPyConnection, query: str
    ) -> duckdb.DuckDBPyConnection:
        """Execute a user's query; neither it nor a later one reaches any other file (COPY … TO, ATTACH)."""
        connection.execute("SET enable_external_access = false; SET lock_configuration = true")
        return connection.execute(query)

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
                if not connection.execute("FROM duckdb_tables() WHERE table_name = 'usage'").fetchone():
                    raise WarehouseError(
                        f"{self.path} has no tables", todo="Load a period first: billing-pipeline run."
                    )
                yield connection
            except duckdb.Error as error:
                if _CORRUPT in str(error) or f'"{self.path}"' in str(error):
                    raise self._cannot_be_opened(error) from error
                if isinstance(error, duckdb.IOException):
                    raise WarehouseError(
                        f"the warehouse could not be read: {first_line(error)}",
                        todo="The warehouse is as it was: mend the cause (disk, rights) and run again.",
                    ) from error
                raise

    def change(self, work: Callable[[duckdb.DuckDBPyConnection], Result]) -> Result:
        """Work in one transaction on a copy, published if and only if the work ends without an error.

        Loaders of other processes wait for the lock, whatever they change. What a killed loader left is
        removed.

        Raises:
            WarehouseError: the copy cannot be made, written or published; the published file is as it was.
        """
        if self._lock.is_locked:
            raise WarehouseError(
                "the warehouse is being changed by this very thread",
                todo="This is a defect: one change must end before the next begins.",
            )
        if self.exists():
            self._opened().close()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
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
                todo="The published warehouse is as it was: mend the cause (disk, rights) and run again.",
            ) from error

    def _opened(self) -> duckdb.DuckDBPyConnection:
        try:
            return duckdb.connect(str(self.path), read_only=True)
        except duckdb.Error as error:
            raise self._cannot_be_opened(error) from error

    def _change(self, work: Callable[[duckdb.DuckDBPyConnection], Result]) -> Result:
        self._remove_leftovers()
        try:
            with self._next_state() as connection:
                connection.execute("BEGIN")
                result = work(connection)
                connection.execute("COMMIT")
            return result
        finally:
            # The error of the change is the one to report, and after the rename there is none.
            with suppress(OSError):
                self._remove_leftovers()

    @contextmanager
    def _next_state(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection to a copy of the published file; the copy is published at the end.

        The published file stays attached meanwhile. That fails while some program has it open for writing,
        and keeps any from doing so, because what it wrote would be lost.
        """
        # A process that closes any descriptor of a file gives up all its locks on it (POSIX), so the one to
        # copy from stays open until DuckDB has closed its own.
        with ExitStack() as files:
            connection = duckdb.connect(":memory:", config={"temp_directory": str(self._temporary)})
            try:
                (threads,) = connection.execute("SELECT current_setting('threads')").fetchone() or (2,)
                connection.execute(f"SET memory_limit = '{_MEMORY_PER_THREAD * max(int(threads), 2)}MB'")
                connection.execute("SET TimeZone = 'UTC'")
                before = self._state()
                if before is not None:
                    self._attach(connection, self.path, f"{PUBLISHED} (READ_ONLY)")
                    published = files.enter_context(self.path.open("rb"))
                    with self._next.open("xb") as copy:
                        shutil.copyfileobj(published, copy, _COPIED_AT_ONCE)
                self._refuse_log()
                self._attach(connection, self._next, f"warehouse ({_STORAGE_OPTIONS})")
                connection.execute("USE warehouse")
                create_schema(connection)
                yield connection
                connection.execute("CHECKPOINT warehouse; USE memory; DETACH warehouse")
                self._publish(before)
            finally:
                # After an error nothing of the copy is wanted, and closing a full disk's file fails again.
                with suppress(duckdb.Error):
                    connection.close()

    def _attach(self, connection: duckdb.DuckDBPyConnection, path: Path, name_and_options: str) -> None:
        try:
            connection.execute(f"ATTACH {quote_literal(path)} AS {name_and_options}")
        except duckdb.Error as error:
            copied = self.path.exists() and not isinstance(error, _ENVIRONMENT)
            if (path == self.path or copied) and not isinstance(error, duckdb.OutOfMemoryException):
                raise self._cannot_be_opened(error) from error
            raise

    def _refuse_log(self) -> None:
        """A log holds what another program wrote; no copy of the file alone would have it."""
        if self._log.exists():
            raise WarehouseError(
                f"another program has written to {self.path} and left a log of it, {self._log.name}",
                todo="To keep what it wrote, make the file writable and open it once with DuckDB; to drop "
                "it, move the log away. Then run again.",
            )

    def _state(self) -> tuple[int, int, int] | None:
        """Identity, size and time of the published file: another one after any write to it."""
        if not self.path.exists():
            return None
        found = self.path.stat()
        return found.st_ino, found.st_size, found.st_mtime_ns

    def _publish(self, before: tuple[int, int, int] | None) -> None:
        if self._log.exists() or self._state() != before:
            raise WarehouseError(
                f"another program has written to {self.path} while its next state was being made",
                todo="Nothing was published, and what it wrote is kept. Run again; writers should leave the "
                "file alone, or use a copy.",
            )
        mode = (self.path if self.path.exists() else self._next).stat().st_mode
        # Without write permission a program that opens the file "just to look", but read-write (the default
        # of most), is refused, instead of locking loaders and readers out.
        with _if_supported():
            self._next.chmod(mode & ~_WRITE_BITS)
        with self._next.open("rb") as file, _if_supported():
            os.fsync(file.fileno())
        self._next.replace(self.path)
        # Published: nothing may fail any more. A power failure before this call loses the load, at most.
        with suppress(OSError):
            sync_folder(self.path.parent)

    def _remove_leftovers(self) -> None:
        self._next.unlink(missing_ok=True)
        self._next.with_name(self._next.name + ".wal").unlink(missing_ok=True)
        shutil.rmtree(self._temporary, ignore_errors=True)

    def _cannot_be_opened(self, error: Exception) -> WarehouseError:
        message = first_line(error)
        if any(sign in message for sign in _HELD):
            todo = "Close the program that has it open for writing; readers should open it read-only."
        elif any(sign in message for sign in _UNREACHABLE):
            todo = "Mend the cause (rights, disk) and run again."
        else:
            todo = (
                f"It is damaged, or of another version of DuckDB: move it away, with {self._log.name} "
                "if that is there, and load every period again from its raw report with "
                "`billing-pipeline run --replay`. No further report is requested."
            )
        return WarehouseError(f"{self.path} cannot be opened: {message}", todo=todo)


@contextmanager
def _if_supported() -> Iterator[None]:
    """Do without a call that the filesystem does not know; any other error of it counts."""
    try:
        yield
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
