"""Progress while a report is awaited: one line rewritten in a terminal, plain lines in a log file."""

from __future__ import annotations

import sys
from typing import TextIO

_CLEAR_LINE = "\r\x1b[2K"


class ProgressLine:
    """Prints what periods wait for.

    Args:
        stream: where to; if it is a terminal, the latest state replaces the line before.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._rewrites = self._stream.isatty()
        self._shown = ""

    def update(self, text: str) -> None:
        """Show a passing state; in a log file, only when it differs from the one before."""
        if self._rewrites:
            self._stream.write(_CLEAR_LINE + text)
        elif text != self._shown:
            self._stream.write(text + "\n")
        self._shown = text
        self._stream.flush()

    def settle(self, text: str) -> None:
        """Print a line that stays."""
        self._stream.write(f"{_CLEAR_LINE if self._rewrites else ''}{text}\n")
        self._shown = ""
        self._stream.flush()
