"""The standard streams of the console script, safe when closed, on a full device or in a narrow encoding."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import Any

_STDERR = 2


class _LossyFile(io.FileIO):
    """A file on which a failed write loses the text and nothing else."""

    def write(self, data: Any, /) -> int:
        """Write the bytes, or claim to have done so if the device is full or its reader has gone."""
        with suppress(OSError):
            return super().write(data)
        return memoryview(data).nbytes


def prepare_streams() -> None:
    """Make stdout and stderr safe to write to.

    Closed descriptors become /dev/null. A character that an encoding lacks is escaped. Progress and
    messages on stderr that cannot be written are dropped; on stdout, which carries results, they raise
    `OSError`.
    """
    # Reopen closed descriptors 0 to 2; otherwise the next file that is opened would receive our output.
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    else:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = io.TextIOWrapper(
        io.BufferedWriter(_LossyFile(_STDERR, "w", closefd=False)),
        encoding=sys.stderr.encoding if sys.stderr else "utf-8",
        errors="backslashreplace",
        line_buffering=True,
    )


def discard_stdout() -> None:
    """Drop what stdout still holds, so that the interpreter does not fail on it at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
