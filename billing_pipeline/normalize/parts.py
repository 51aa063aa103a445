"""The rows of a json_v2_0 file as part files, which DuckDB reads in parallel.

DuckDB reads one JSON array with one thread, and several array files with as many threads as there are; and it
stores rows in groups, each compressed by the thread that has filled it. So the checked pieces are copied,
as they are, into files of as many rows as a group has. A piece rarely ends where a group does: then it stands
at the end of one file and at the start of the next, and each file is told which rows are its own.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from billing_pipeline.normalize.layout import Layout
from billing_pipeline.normalize.odd_rows import PLAIN_LAYOUT
from billing_pipeline.normalize.pieces import CheckedFile, Piece

ROW_GROUP = 122_880
"""Rows that DuckDB stores together."""

_PARTS_AT_ONCE = min(max(os.cpu_count() or 1, 2), 4)
_FEW_PARTS = 8
_FEWEST_ROWS = 4_000


@dataclass(slots=True)
class Part:
    """A file with some of the rows, in the order of the report.

    Args:
        path: an array file.
        layout: of its elements.
        first_row: position in the report of the first row that is the part's own, from 1.
        skipped: rows before it in the file.
        rows: how many rows are its own; further ones may follow in the file.
        largest_piece: bytes; no element is larger.
    """

    path: Path
    layout: Layout
    first_row: int
    skipped: int = 0
    rows: int = 0
    largest_piece: int = 0


class PartWriter:
    """Writes the parts of a report, some at a time.

    Args:
        file: the report.
        folder: where the parts are written.
        rows: of a part; None sizes them by the report: a whole row group each, unless that were few parts.
    """

    def __init__(self, file: CheckedFile, folder: Path, rows: int | None = None) -> None:
        self.ended = False
        self._folder = folder
        self._file = file
        self._pieces = file.pieces()
        self._rows_of_a_part = rows
        self._written = 0
        self._rows = 0
        self._piece: Piece | None = None
        self._used = 0

    def next_parts(self) -> list[Part]:
        """Write the next parts: as many as are read at once, but one at first, so that reading can begin.

        Returns:
            Nothing at the end of the report.

        Raises:
            ReportRefusedError: names the row, and what is wrong with it.
        """
        parts: list[Part] = []
        wanted = _PARTS_AT_ONCE if self._written else 1
        while len(parts) < wanted and (piece := self._current()):
            parts.append(self._write(piece))
        self.ended = not parts
        return parts

    def empty_part(self) -> Part:
        """A part without rows."""
        part = self._new_part(PLAIN_LAYOUT)
        part.path.write_bytes(b"[]")
        return part

    def _current(self) -> Piece | None:
        """A piece with rows that are not in a part yet; None at the end of the report."""
        while self._piece is None or self._used == self._piece.rows:
            self._piece, self._used = next(self._pieces, None), 0
            if self._piece is None:
                return None
        return self._piece

    def _write(self, first: Piece) -> Part:
        part = self._new_part(first.layout)
        part.skipped = self._used
        limit = self._rows_of_a_part = self._rows_of_a_part or self._fitting(first)
        opening = b"["
        with part.path.open("wb") as file:
            while part.rows < limit and (piece := self._current()) and piece.layout is part.layout:
                file.write(opening)
                file.write(piece.array[1:-1])
                opening = b","
                taken = min(piece.rows - self._used, limit - part.rows)
                self._used += taken
                part.rows += taken
                part.largest_piece = max(part.largest_piece, len(piece.array))
            file.write(b"]")
        self._rows += part.rows
        return part

    def _fitting(self, piece: Piece) -> int:
        expected = self._file.size * piece.rows // len(piece.array)
        if expected >= _FEW_PARTS // 2 * ROW_GROUP:
            return ROW_GROUP
        return max(expected // _FEW_PARTS + 1, _FEWEST_ROWS)

    def _new_part(self, layout: Layout) -> Part:
        self._written += 1
        return Part(self._folder / f"{self._written:06d}.json", layout, self._rows + 1)
