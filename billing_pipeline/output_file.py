"""Files that are written for people: whole or not there, like any other new file of theirs."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from billing_pipeline.errors import OutputError

_NEW_FILE_MODE = 0o666


@contextmanager
def output_file(path: Path) -> Iterator[Path]:
    """A place to write to, which becomes `path` if the block ends without an error.

    Raises:
        OutputError: the file cannot be written.
    """
    if path.is_dir():
        raise OutputError(f"{path} is a folder", todo="Give the path of a file.")
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(handle)
        partial = Path(name)
        try:
            yield partial
            umask = os.umask(0)
            os.umask(umask)
            partial.chmod(_NEW_FILE_MODE & ~umask)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(
            f"{path} could not be written: {error.strerror or error}", todo="Give another place."
        ) from error
