"""Files that are written for people: whole or not there, like any other new file of theirs."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from billing_pipeline.errors import OutputError

_NEW_FILE_MODE = 0o666
# Of the name, in that of the file beside it, which must not become too long.
_PREFIX = 40
_KEPT = {"raw", "requests", "accounts", "dagster", "slots", "work", "lake"}
_WAREHOUSE = "warehouse."


def refuse_kept_file(path: Path, data_dir: Path) -> None:
    """See to it that nothing is written over what the pipeline keeps below its data folder.

    Raises:
        OutputError: `path` is such a file, or would lie among them.
    """
    try:
        place = path.resolve().relative_to(data_dir.resolve()).parts
    except (RuntimeError, ValueError):  # a link to itself, or elsewhere
        return
    if place and (place[0] in _KEPT or place[0].startswith(_WAREHOUSE)):
        raise OutputError(
            f"{path} is a place where the pipeline keeps its own files", todo="Give another place."
        )


@contextmanager
def output_file(path: Path) -> Iterator[Path]:
    """A place to write to, which becomes `path` if the block ends without an error.

    Args:
        path: a symbolic link is followed: it stays, and the file that it points to is written.

    Raises:
        OutputError: the file cannot be written, or `path` is something else than a file.
    """
    try:
        target = _target(path)
        handle, name = tempfile.mkstemp(prefix=f".{target.name[:_PREFIX]}.", dir=target.parent)
        os.close(handle)
        partial = Path(name)
        try:
            yield partial
            umask = os.umask(0)
            os.umask(umask)
            partial.chmod(_NEW_FILE_MODE & ~umask)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(
            f"{path} could not be written: {error.strerror or error}",
            todo="Give another place.",
        ) from error


def _target(path: Path) -> Path:
    """The file that `path` means; a rename would put a file where a folder, device or pipe was."""
    try:
        target = path.resolve()
        circular = target.is_symlink()
    except RuntimeError:  # before Python 3.13
        circular = True
    if circular:
        raise OutputError(f"{path} is a link that leads to itself", todo="Give the path of a file.")
    if target.is_dir():
        raise OutputError(f"{path} is a folder", todo="Give the path of a file.")
    if target.exists() and not target.is_file():
        raise OutputError(
            f"{path} is a device, a pipe or a socket, not a file",
            todo="Give the path of a file: it is written beside its place and renamed.",
        )
    return target
