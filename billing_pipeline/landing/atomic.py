"""Files that are whole or not there: written beside their place, made durable, then renamed."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from billing_pipeline.errors import RawReportError

_SUFFIX = ".partial"


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write, which appears as `path` if and only if the block ends without an error.

    Missing folders are made. An old file at `path` stays until the new one replaces it.

    Raises:
        RawReportError: it cannot be written (disk full, no permission…).
    """
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}{_SUFFIX}")
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with partial.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


def remove_partial_files(folder: Path, name: str = "") -> None:
    """Remove what a killed process left half-written in `folder`.

    Only for the holder of the lock that all writers of these files take: anybody's files are removed.

    Args:
        folder: need not exist.
        name: only what was to become this file; default: any.
    """
    with explained(folder):
        for partial in folder.glob(f".{name}*{_SUFFIX}"):
            partial.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power failure, where the system can."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn the system's complaint about `path` into an error that says what to do."""
    try:
        yield
    except OSError as error:
        raise RawReportError(
            f"{error.filename or path} cannot be written or read: {error.strerror or error}",
            todo="Make room or correct the permissions below BILLING_DATA_DIR, and run it again: "
            "nothing that was there before is lost, and no further report is ordered.",
        ) from error
