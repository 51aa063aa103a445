"""A json_v2_0 file, checked piece by piece.

Each piece is some whole elements of the array: the places where it is cut are found quickly (`elements`),
and are sound because what lies between them is then parsed, strictly (`typed_rows`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import FileIO

import msgspec

from billing_pipeline.normalize import strict_json
from billing_pipeline.normalize.elements import Separator, element_ranges, last_comma
from billing_pipeline.normalize.envelope import Envelope
from billing_pipeline.normalize.layout import Layout, learn_layout
from billing_pipeline.normalize.odd_rows import PLAIN_LAYOUT, OddRows
from billing_pipeline.normalize.refusals import DAMAGED, refused
from billing_pipeline.normalize.strict_json import StrictJsonError
from billing_pipeline.normalize.typed_rows import Totals, TypedRows
from billing_pipeline.normalize.widening import widened
from billing_pipeline.normalize.window import Window

PIECE = 1 << 18
"""Bytes that are checked at once: what fits the processor's cache."""


_MOST_LESSONS = 20
"""Pieces that a layout learns from: each costs time, and ends a part if something was learned."""


_ANY_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])


@dataclass(frozen=True, slots=True)
class Piece:
    """Some whole elements, checked.

    Args:
        array: a JSON array of the elements, `[`, commas and `]` included; valid only until the next piece
            is asked for.
        layout: that of the file, or the plain one if the piece had to be brought into it.
        rows: how many usage rows the elements have.
    """

    array: memoryview
    layout: Layout
    rows: int


class CheckedFile:
    """The rows of a json_v2_0 file, piece by piece.

    Args:
        file: open for reading, unbuffered.
        envelope: where its rows are.
        piece: bytes that are checked at once.
    """

    def __init__(self, file: FileIO, envelope: Envelope, *, piece: int = PIECE) -> None:
        self.totals = Totals()
        self._file = file
        self._next = envelope.start
        self._end = envelope.end
        self._window = Window(piece)
        self._separator = Separator()
        self._rows = 0
        self._elements = 0
        self._lessons = _MOST_LESSONS

    def pieces(self) -> Iterator[Piece]:
        """All rows in the order of the file; sound only if it is read to its end.

        Raises:
            ReportRefusedError: names the row, and what is wrong with it.
        """
        layout = self._learn_layout()
        if layout is None:
            return
        self._typed_rows = TypedRows(layout)
        while True:
            self._read()
            whole = self._next >= self._end
            if whole and self._window.is_blank():
                raise refused("there is a comma behind the last element of 'tenants'", DAMAGED)
            checked = self._check(whole)
            if checked is None:
                self._window.grow()
                continue
            piece, comma = checked
            yield piece
            if whole and comma == self._window.end:
                return
            self._window.drop_through(comma)

    def _check(self, whole: bool) -> tuple[Piece, int] | None:
        """The next piece, and where the comma behind it is; None if the window holds no whole element."""
        window = self._window
        likely = window.end if whole else self._separator.last_comma(window.buffer, window.START, window.end)
        if likely is not None and (piece := self._typed(likely)):
            return piece, likely
        if likely is not None and self._is_array(likely):
            comma, piece = likely, None
        else:
            found = window.end if whole else last_comma(window.buffer, window.START, window.end)
            if found is None:
                return None
            if not whole:
                self._separator.learn(window.buffer, found)
            comma, piece = found, self._typed(found)
        if piece is None and self._learn_from(comma):
            piece = self._typed(comma)
        return piece or self._odd(comma), comma

    def _learn_from(self, comma: int) -> bool:
        """Widen the layout by what the piece has; False if that changes nothing."""
        if not self._lessons:
            return False
        self._lessons -= 1
        try:
            elements = strict_json.parse(f"[{self._window.elements(comma).decode()}]")
        except (StrictJsonError, UnicodeDecodeError):
            return False
        layout = widened(self._typed_rows.layout, elements)
        if layout is self._typed_rows.layout:
            return False
        self._typed_rows = TypedRows(layout)
        return True

    def _is_array(self, comma: int) -> bool:
        """Whether the cut at this comma is sound, whatever the elements are."""
        try:
            _ANY_ARRAY.decode(self._window.array(comma))
        except (ValueError, RecursionError):
            return False
        finally:
            self._window.restore(comma)
        return True

    def _typed(self, comma: int) -> Piece | None:
        array = self._window.array(comma)
        try:
            elements = self._typed_rows.decode(array)
            rows = self._typed_rows.count_and_add(elements, self.totals)
        except (ValueError, RecursionError):
            array.release()
            self._window.restore(comma)
            return None
        self._rows += rows
        self._elements += len(elements)
        return Piece(array, self._typed_rows.layout, rows)

    def _odd(self, comma: int) -> Piece:
        reader = OddRows(self._rows + 1, self._elements + 1)
        plain = reader.plain(self._window.elements(comma), self.totals)
        self._rows += len(plain)
        self._elements = reader.elements_before
        return Piece(memoryview(f"[{','.join(plain)}]".encode()), PLAIN_LAYOUT, len(plain))

    def _learn_layout(self) -> Layout | None:
        """The layout of the first element; None if there is no element."""
        window = self._window
        while True:
            self._read()
            first = next(element_ranges(window.buffer, window.START, window.end), None)
            whole = self._next >= self._end
            if first is not None or whole:
                break
            window.grow()
        if first is None and window.is_blank():
            return None
        element = window.elements(first[1] if first else window.end)
        try:
            return learn_layout(strict_json.parse(element.decode()))
        except (StrictJsonError, UnicodeDecodeError) as error:
            raise refused(f"row 1: it is not valid JSON: {error}", DAMAGED) from None

    def _read(self) -> None:
        self._file.seek(self._next)
        self._next += self._window.fill(self._file, self._end - self._next)
