"""Where one element of a JSON array ends and the next begins.

Only proposals are made here: a cut is right if and only if what lies on either side of it parses as a list
of elements, and all of it is parsed, by those who use the proposal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_STRING_OR_BRACKET = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
_WHITE_SPACE = b" \t\n\r"
_COMMA_AND_KEY = re.compile(rb'[ \t\n\r]*,[ \t\n\r]*\{[ \t\n\r]*"[^"\\]{0,60}"?')
_LONGEST_CLOSING = 40


class Separator:
    """The bytes that lie between two elements, learned from two of them.

    Within a file they are mostly the same: the brackets that close an element, a comma, and the first key of
    the next. So the last cut of a block is one search from its end.
    """

    def __init__(self) -> None:
        self._bytes: bytes | None = None
        self._comma = 0

    def learn(self, data: bytearray, comma: int) -> None:
        """Take the separator around the comma at this offset as the pattern."""
        start = comma
        while start > max(0, comma - _LONGEST_CLOSING) and data[start - 1] in b"]} \t\n\r":
            start -= 1
        match = _COMMA_AND_KEY.match(data, comma)
        if match is not None:
            self._bytes, self._comma = bytes(data[start : match.end()]), comma - start

    def last_comma(self, data: bytearray, start: int, end: int) -> int | None:
        """The offset of the last comma in a range that looks as if it lies between two elements."""
        if self._bytes is None:
            return None
        found = data.rfind(self._bytes, start, end)
        return None if found < 0 else found + self._comma


def last_comma(data: bytearray, start: int, end: int) -> int | None:
    """The offset of the last comma between two elements, by counting brackets.

    Args:
        data: has elements of an array from `start` to `end`; the last one may be cut.
    """
    last = None
    for _, following in element_ranges(data, start, end):
        comma = following
        while comma < end and data[comma] in _WHITE_SPACE:
            comma += 1
        if comma < end and data[comma] == ord(","):
            last = comma
    return last


def element_ranges(data: bytearray, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Start and end of each whole object or array that is an element."""
    depth = opened = 0
    for match in _STRING_OR_BRACKET.finditer(data, start, end):
        token = data[match.start()]
        if token in b"[{":
            if depth == 0:
                opened = match.start()
            depth += 1
        elif token in b"]}":
            depth -= 1
            if depth == 0:
                yield opened, match.end()
            elif depth < 0:
                return
