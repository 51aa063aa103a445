"""A terminal that a test reads."""

from __future__ import annotations

import os
import pty
import re
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

# What rich writes.
_COLOURS = re.compile(r"\x1b\[(?:0|3\d)m")
_CURSOR = re.compile(r"\x1b\[(?:\?25[lh]|1A|2K)|\r")


@contextmanager
def terminal() -> Iterator[tuple[TextIO, Callable[[], str]]]:
    """A stream to a terminal, and a function that closes it and returns what the terminal received."""
    controller, terminal = pty.openpty()
    settings = termios.tcgetattr(terminal)
    settings[1] &= ~termios.OPOST
    termios.tcsetattr(terminal, termios.TCSANOW, settings)
    with (
        os.fdopen(terminal, "w", encoding="utf-8", newline="") as stream,
        os.fdopen(controller, "rb") as reader,
    ):

        def read() -> str:
            stream.close()
            received = b""
            with suppress(OSError):  # how Linux ends a terminal
                while piece := os.read(reader.fileno(), 1024):
                    received += piece
            return received.decode()

        yield stream, read


def without_controls(text: str) -> str:
    """What a terminal received, without the sequences of our own display; the cursor's are line breaks."""
    return _CURSOR.sub("\n", _COLOURS.sub("", text))
