"""Writing files: atomically, durably, and with errors that say what to do."""

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from billing_pipeline.errors import WORKING_DIRECTORY_GONE, DataFolderError, OutputError

_SUFFIX = ".partial"
# Limit of characters of the target's name in the temporary name, for the file system's limit.
_PREFIX_LENGTH = 40
_INTERNAL_FOLDERS = {"raw", "requests", "accounts", "dagster", "slots", "work", "lake", "prices"}
_WAREHOUSE = "warehouse."
_WRITE_BITS = 0o222
_UNSUPPORTED = {errno.EINVAL, errno.ENOTSUP, errno.EPERM}


@contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """Write a file of the data folder atomically: it appears as `path` if the block ends without an error.

    Missing folders are made. An existing file at `path` stays until the new one replaces it.

    Raises:
        DataFolderError: the file cannot be written (disk full, no permission).
    """
    with reporting_io_errors(path):
        make_folder(path.parent)
        with _renamed_to(path) as partial, partial.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        sync(path.parent)


@contextmanager
def _renamed_to(path: Path) -> Iterator[Path]:
    """A path beside `path`, renamed to it if the block ends without an error, removed otherwise."""
    partial = path.with_name(f".{path.name[:_PREFIX_LENGTH]}.{secrets.token_hex(4)}{_SUFFIX}")
    try:
        yield partial
        partial.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise


def remove_partial_files(folder: Path, name: str = "") -> None:
    """Remove the partial files that killed processes left in a folder.

    The caller must hold the lock that every writer of these files takes.

    Args:
        folder: need not exist.
        name: only the partial files of this file; default: all.
    """
    with reporting_io_errors(folder):
        for partial in folder.glob(f".{name[:_PREFIX_LENGTH]}*{_SUFFIX}"):
            partial.unlink(missing_ok=True)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, durably: a file in it must not vanish with the folder's name."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for made in reversed(missing):
        sync(made.parent)


def sync(path: Path) -> None:
    """Make a file's content, or the names in a folder, durable, where the file system supports that."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with if_supported():
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def if_supported() -> Iterator[None]:
    """Ignore that a file system does not support a call; other errors propagate."""
    try:
        yield
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise


def restrict_new_files(data_dir: Path) -> int:
    """Deny other users the new files of this process; in a group's data folder the group may write them.

    Args:
        data_dir: the data folder, which need not exist.

    Returns:
        The process's umask before.
    """
    mask = os.umask(0o077)
    os.umask(mask & ~0o070 | 0o007 if is_shared(data_dir) else mask | 0o007)
    return mask


def is_shared(folder: Path) -> bool:
    """Whether a group may write in a folder."""
    return folder.exists() and bool(folder.stat().st_mode & stat.S_IWGRP)


@contextmanager
def reporting_io_errors(path: Path) -> Iterator[None]:
    """Raise the system's I/O errors about the data folder as `DataFolderError`.

    Args:
        path: named in the message when the system's error names no file.
    """
    try:
        yield
    except OSError as error:
        raise DataFolderError(
            f"{error.filename or path} cannot be written or read: {error.strerror or error}",
            todo="Free some disk space or correct the permissions below BILLING_DATA_DIR, and run it again: "
            "nothing that was there before is lost, and no further report is requested.",
        ) from error


def refuse_internal_path(path: Path, data_dir: Path) -> None:
    """Refuse to write output over the pipeline's own files in the data folder.

    Raises:
        OutputError: `path` is one of these files, or in one of their folders.
    """
    try:
        place = Path(os.path.realpath(path)).relative_to(data_dir.resolve()).parts
    except FileNotFoundError:
        raise OutputError(WORKING_DIRECTORY_GONE, todo="Give an absolute path.") from None
    except ValueError:  # outside the data folder
        return
    if place and (place[0] in _INTERNAL_FOLDERS or place[0].startswith(_WAREHOUSE)):
        raise OutputError(
            f"{path} is a place where the pipeline keeps its own files", todo="Give another place."
        )


def make_output_folder(path: Path) -> None:
    """Make a folder for a person's files, and the folders above it.

    Raises:
        OutputError: the folder cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _not_written(path, error) from error


@contextmanager
def output_file(path: Path) -> Iterator[Path]:
    """Write a file for a person: a temporary path that becomes `path` if the block ends without an error.

    Args:
        path: a symbolic link is followed; the link stays, and its target is replaced.

    Raises:
        OutputError: the file cannot be written, or `path` is not a regular file.
    """
    try:
        target = _target(path)
        with _renamed_to(target) as partial:
            partial.touch(exist_ok=False)
            yield partial
            sync(partial)
        with contextlib.suppress(OSError):  # it is written
            sync(target.parent)
    except OSError as error:
        raise _not_written(path, error) from error


def _not_written(path: Path, error: OSError) -> OutputError:
    return OutputError(f"{path} could not be written: {error.strerror or error}", todo="Give another place.")


def _target(path: Path) -> Path:
    """The file that `path` leads to; a rename must not replace a folder, device or pipe."""
    target = Path(os.path.realpath(path))
    if target.is_symlink():
        kind = "link that leads to itself"
    elif target.is_dir():
        kind = "folder"
    elif target.exists() and not target.is_file():
        kind = "device, a pipe or a socket, not a file"
    elif target.exists() and not target.stat().st_mode & _WRITE_BITS:
        # A rename would replace it nevertheless.
        raise OutputError(f"{path} is read-only", todo="Make it writable, or give another place.")
    else:
        return target
    raise OutputError(f"{path} is a {kind}", todo="Give the path of a file.")
