"""The standard streams of the console script, safe when closed, on a full device or in a narrow encoding.

Results are written to stdout. Progress, warnings and errors are messages of the logger `billing_pipeline`,
which are written to stderr.
"""

import io
import logging
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from billing_pipeline.errors import OutputError, escaped

STDOUT = Path("-")
"""What a person writes for stdout where a file is expected."""

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


def is_terminal() -> bool:
    """Whether a person reads stderr as it is written, in a terminal that can move the cursor."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


class _MessageHandler(logging.Handler):
    """Messages on stderr, one line each: in a terminal as they are, elsewhere with UTC time and level."""

    def emit(self, record: logging.LogRecord) -> None:
        if is_terminal():
            prefix = "warning: " if record.levelno == logging.WARNING else ""
        else:
            prefix = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {record.levelname} "
        print(prefix + escaped(record.getMessage()), file=sys.stderr, flush=True)


@contextmanager
def messages_on_stderr() -> Iterator[None]:
    """Write the messages of commands, and the warnings of the rest of this package, to stderr."""
    package, commands = (logging.getLogger(name) for name in ("billing_pipeline", __package__))
    # Not propagated: a Dagster run in this process sets the package's level and records its messages.
    commands.setLevel(logging.INFO)
    handler = _MessageHandler()
    for logger in (package, commands):
        logger.addHandler(handler)
        logger.propagate = False
    try:
        yield
    finally:
        for logger in (package, commands):
            logger.removeHandler(handler)
            logger.propagate = True


@contextmanager
def file_or_stdout(path: Path) -> Iterator[Path]:
    """The path of a file to write; for `-` a temporary file, which becomes stdout once it is complete.

    Raises:
        OutputError: the content is binary, and stdout is a terminal.
    """
    if path != STDOUT:
        yield path
        return
    with TemporaryDirectory(prefix="billing-output-", ignore_cleanup_errors=True) as folder:
        written = Path(folder, "stdout")
        yield written
        if not sys.stdout.isatty():
            with written.open("rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer)
            return
        try:
            with written.open(encoding="utf-8") as lines:
                sys.stdout.writelines(escaped(line.rstrip("\n")) + "\n" for line in lines)
        except UnicodeDecodeError:
            raise OutputError(
                "the output is binary, and stdout is a terminal",
                todo="Redirect it to a file or a program, or name a file with --output.",
            ) from None
