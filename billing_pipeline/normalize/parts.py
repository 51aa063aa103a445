"""A json_v2_0 file, checked piece by piece and handed to DuckDB in parts that it reads in parallel.

DuckDB reads one JSON array with one thread, and several array files with as many threads as there are. So the
bytes of the array are copied, as they are, into part files; each piece is checked on the way
(`typed_rows`), which makes the places where the array was cut sound, and counts its rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from billing_pipeline.normalize import strict_json
from billing_pipeline.normalize.elements import Separator, element_ranges, last_comma
from billing_pipeline.normalize.envelope import Envelope
from billing_pipeline.normalize.layout import Layout, learn_layout
from billing_pipeline.normalize.odd_rows import PLAIN_LAYOUT, OddRows
from billing_pipeline.normalize.refusals import DAMAGED, refused
from billing_pipeline.normalize.strict_json import StrictJsonError
from billing_pipeline.normalize.typed_rows import Totals, TypedRows

PIECE = 1 << 20
"""Bytes that are checked at once: what fits the processor's cache."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some whole elements, checked.

    Args:
        content: the elements with their commas, without brackets.
        layout: that of the file, or the plain one if the piece had to be brought into it.
        rows: how many usage rows the elements have.
        elements: how many elements.
    """

    content: bytes
    layout: Layout
    rows: int


class CheckedFile:
    """The rows of a json_v2_0 file, piece by piece.

    Args:
        file: open for reading.
        envelope: where its rows are.
        piece: bytes that are checked at once.
    """

    def __init__(self, file: BinaryIO, envelope: Envelope, *, piece: int = PIECE) -> None:
        self.totals = Totals()
        self._file = file
        self._next = envelope.start
        self._end = envelope.end
        self._piece = piece
        self._separator = Separator()
        self._rows = 0
        self._elements = 0

    def pieces(self) -> Iterator[Piece]:
        """All rows in the order of the file; sound only if it is read to its end.

        Raises:
            ReportRefusedError: names the row, and what is wrong with it.
        """
        layout = self._learn_layout()
        if layout is None:
            return
        typed = TypedRows(layout)
        rest = b""
        while True:
            data = rest + self._read(self._piece)
            whole = self._next >= self._end
            if whole and not data.strip():
                raise refused("there is a comma behind the last element of 'tenants'", DAMAGED)
            checked = self._check(data, whole, typed, layout)
            if checked is None:  # an element that is larger than what was read
                self._piece *= 2
                rest = data
                continue
            piece, length = checked
            yield piece
            if whole and length == len(data):
                return
            rest = data[length + 1 :]

    def _check(self, data: bytes, whole: bool, typed: TypedRows, layout: Layout) -> tuple[Piece, int] | None:
        """The next piece, and its length in the data; None if there is no whole element in the data."""
        likely = len(data) if whole else self._separator.last_comma(data)
        if likely is not None and (piece := self._typed(data[:likely], typed, layout)):
            return piece, likely
        cut = len(data) if whole else last_comma(data)
        if cut is None:
            return None
        if not whole:
            self._separator.learn(data, cut)
        content = data[:cut]
        piece = self._typed(content, typed, layout) if cut != likely else None
        return piece or self._odd(content), cut

    def _typed(self, content: bytes, typed: TypedRows, layout: Layout) -> Piece | None:
        try:
            elements = typed.decode(b"[" + content + b"]")
        except (ValueError, RecursionError):
            return None
        rows = typed.count_and_add(elements, self.totals)
        self._rows += rows
        self._elements += len(elements)
        return Piece(content, layout, rows)

    def _odd(self, content: bytes) -> Piece:
        reader = OddRows(self._rows + 1, self._elements + 1)
        plain = reader.plain(content, self.totals)
        self._rows += len(plain)
        self._elements = reader.elements_before
        return Piece(",".join(plain).encode(), PLAIN_LAYOUT, len(plain))

    def _learn_layout(self) -> Layout | None:
        """The layout of the first element; None if there is no element."""
        start, length = self._next, self._piece
        while True:
            self._next = start
            data = self._read(length)
            first = next(element_ranges(data), None)
            self._next, whole = start, self._next >= self._end
            if first is not None:
                break
            if whole:
                if not data.strip(b" \t\n\r"):
                    return None
                first = (0, len(data))
                break
            length *= 2
        try:
            element = strict_json.parse(data[: first[1]].decode())
        except (StrictJsonError, UnicodeDecodeError) as error:
            raise refused(f"row 1: it is not valid JSON: {error}", DAMAGED) from None
        return learn_layout(element)

    def _read(self, length: int) -> bytes:
        self._file.seek(self._next)
        wanted = min(length, self._end - self._next)
        data = self._file.read(wanted)
        if len(data) != wanted:
            raise refused("the file became shorter while it was read", DAMAGED)
        self._next += wanted
        return data
