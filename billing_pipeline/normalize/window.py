"""The part of a JSON array that is being looked at, in one place of memory and without copies."""

from __future__ import annotations

from io import FileIO

from billing_pipeline.normalize.refusals import DAMAGED, refused

_OPENING, _CLOSING, _COMMA = b"[],"
_WHITE_SPACE = b" \t\n\r"


class Window:
    """Some elements of an array, the first one whole; one byte is kept free on either side for brackets.

    Args:
        size: bytes that it holds at first.
    """

    START = 1
    """Offset of the first element in the buffer."""

    def __init__(self, size: int) -> None:
        self.buffer = bytearray(size + 2)
        self.buffer[0] = _OPENING
        self.end = self.START

    def fill(self, file: FileIO, available: int) -> int:
        """Read behind what is there, as much as there is room for; how many bytes.

        Args:
            file: stands at what follows the window's content.
            available: bytes that may be read.

        Raises:
            ReportRefusedError: the file has fewer.
        """
        wanted = min(available, len(self.buffer) - 1 - self.end)
        stop = self.end + wanted
        with memoryview(self.buffer) as view:
            while self.end < stop:
                read = file.readinto(view[self.end : stop])
                if not read:
                    raise refused("the file became shorter while it was read", DAMAGED)
                self.end += read
        return wanted

    def grow(self) -> None:
        """Make room for as much again."""
        # A new buffer: somebody may still look at the old one.
        self.buffer = self.buffer + bytes(len(self.buffer))

    def is_blank(self) -> bool:
        """Whether there is nothing but white space."""
        return not self.elements(self.end).strip(_WHITE_SPACE)

    def elements(self, comma: int) -> bytes:
        """A copy of what lies before the comma at this offset."""
        return bytes(self.buffer[self.START : comma])

    def array(self, comma: int) -> memoryview:
        """What lies before the comma at this offset, as a whole JSON array; the comma becomes its bracket."""
        self.buffer[comma] = _CLOSING
        return memoryview(self.buffer)[: comma + 1]

    def restore(self, comma: int) -> None:
        """Undo `array`."""
        self.buffer[comma] = _COMMA

    def drop_through(self, comma: int) -> None:
        """Forget what lies before the comma at this offset, and the comma."""
        rest = self.buffer[comma + 1 : self.end]
        self.end = self.START + len(rest)
        self.buffer[self.START : self.end] = rest
