"""The rows of a json_v2_0 file in parts, which DuckDB reads in parallel.

DuckDB reads one JSON array with one thread, and several array files with as many threads as there are; and it
stores rows in groups, each compressed by the thread that has filled it. So the checked pieces are copied,
as they are, into parts of as many rows as a group has. A piece rarely ends where a group does: then it stands
at the end of one part and at the start of the next, and each part knows which rows are its own.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from billing_pipeline.normalize.layout import Layout
from billing_pipeline.normalize.pieces import CheckedFile, Piece

_FILE_OF_GROUPED = 4 << 20
"""Bytes of a file of grouped elements: DuckDB unpacks up to 2048 of one file at once, which may be a lot."""


@dataclass(slots=True)
class Part:
    """Some of the rows, in the order of the report.

    Args:
        layout: of the elements.
        first_row: position in the report of the first row that is the part's own, from 1.
        skipped: rows before it in the first file.
        rows: how many rows are its own; further ones may follow in the last file.
        files: array files.
        largest_piece: bytes; no element is larger.
    """

    layout: Layout
    first_row: int
    skipped: int = 0
    rows: int = 0
    files: list[Path] = field(default_factory=list)
    largest_piece: int = 0


class PartWriter:
    """Writes the parts of a report, one by one.

    Args:
        file: the report.
        folder: where the parts are written.
        rows: of a part.
    """

    def __init__(self, file: CheckedFile, folder: Path, rows: int) -> None:
        self._failure: BaseException | None = None
        self._folder = folder
        self._pieces = file.pieces()
        self._rows_of_a_part = rows
        self._files = 0
        self._read_files: list[Path] = []
        self._rows = 0
        self._piece: Piece | None = None
        self._used = 0

    def next_part(self) -> Part | None:
        """Write the next part; None at the end of the report.

        Raises:
            ReportRefusedError: names the row, and what is wrong with it.
        """
        if self._failure is not None:
            raise self._failure
        try:
            piece = self._current()
            return self._write(piece) if piece else None
        except BaseException as failure:
            self._failure = failure  # or the next call would find the report at its end
            raise

    def take_back(self, parts: Iterable[Part]) -> None:
        """Write further parts over the files of these, which takes half as long as new files do."""
        for part in parts:
            self._read_files += part.files

    def remove_read_files(self) -> None:
        """Give back the disk space of the parts that were read."""
        while self._read_files:
            self._read_files.pop().unlink()

    def _current(self) -> Piece | None:
        """A piece with rows that are not in a part yet; None at the end of the report."""
        while self._piece is None or self._used == self._piece.rows:
            self._piece, self._used = next(self._pieces, None), 0
            if self._piece is None:
                return None
        return self._piece

    def _write(self, first: Piece) -> Part:
        part = Part(first.layout, self._rows + 1, self._used)
        limit = self._rows_of_a_part
        largest_file = sys.maxsize if part.layout.rows_key is None else _FILE_OF_GROUPED
        while part.rows < limit and (piece := self._current()) and piece.layout is part.layout:
            part.files.append(self._file())
            with open(part.files[-1], "wb", opener=_open_as_it_is) as file:
                size = 0
                while size < largest_file and piece and piece.layout is part.layout:
                    file.write(b"," if size else b"[")
                    file.write(piece.array[1:-1])
                    size += len(piece.array)
                    part.largest_piece = max(part.largest_piece, len(piece.array))
                    taken = min(piece.rows - self._used, limit - part.rows)
                    self._used += taken
                    part.rows += taken
                    piece = self._current() if part.rows < limit else None
                file.write(b"]")
                file.truncate()
        self._rows += part.rows
        return part

    def _file(self) -> Path:
        if self._read_files:
            return self._read_files.pop()
        self._files += 1
        return self._folder / f"{self._files:06d}.json"


def _open_as_it_is(path: str, flags: int) -> int:
    return os.open(path, flags & ~os.O_TRUNC, 0o600)
