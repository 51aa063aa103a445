"""Progress of a run: one line that is rewritten in a terminal, plain lines in a log file."""

from __future__ import annotations

import logging
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from billing_pipeline.errors import escaped

_CLEAR_LINE = "\r\x1b[2K"


class ProgressLine:
    """Prints the state of waiting periods; any thread may call it.

    Args:
        stream: where to print; in a terminal, the latest state replaces the line before.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._rewrites = self._stream.isatty()
        self._shown = ""
        self._lock = threading.RLock()

    def update(self, text: str) -> None:
        """Show progress; in a log file, only if it differs from the line before."""
        text = escaped(text)
        with self._lock:
            if self._rewrites:
                # Truncated: a line that wraps could not be cleared.
                self._write(text[: shutil.get_terminal_size().columns - 1])
            elif text != self._shown:
                self._write(text + "\n")
            self._shown = text

    def glimpse(self, text: str) -> None:
        """Show progress in a terminal, nothing in a log file."""
        if self._rewrites:
            self.update(text)

    def clear(self) -> None:
        """Remove the progress from the terminal."""
        with self._lock:
            if self._shown:
                self._write("")
            self._shown = ""

    def settle(self, text: str) -> None:
        """Print a line that stays, such as a result."""
        with self._lock:
            self._write(escaped(text) + "\n")
            self._shown = ""

    def _write(self, text: str) -> None:
        self._stream.write((_CLEAR_LINE if self._rewrites else "") + text)
        self._stream.flush()


@contextmanager
def warnings_shown_by(show: Callable[[str], None]) -> Iterator[None]:
    """Pass the package's warnings, such as that of a retried call, to `show` instead of stderr."""

    class Shown(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            show(record.getMessage())

    logger = logging.getLogger("billing_pipeline")
    handler = Shown(logging.WARNING)
    logger.addHandler(handler)
    propagate, logger.propagate = logger.propagate, False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagate
