"""A json_v2_0 file as SELECTs that DuckDB executes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

import duckdb

from billing_pipeline.control_totals import ControlTotals
from billing_pipeline.errors import ReportRefusedError
from billing_pipeline.normalize.envelope import Envelope, read_envelope
from billing_pipeline.normalize.expectation import Coverage, ExpectedReport, check_params
from billing_pipeline.normalize.layout import Layout
from billing_pipeline.normalize.odd_rows import PLAIN_LAYOUT, OddRows
from billing_pipeline.normalize.pieces import PIECE, CheckedFile, Piece
from billing_pipeline.normalize.projection import json_source, select_rows
from billing_pipeline.normalize.refusal import refusal
from billing_pipeline.normalize.typed_rows import Totals

PART = 32 << 20
_PARTS_AT_ONCE = 2


@dataclass(slots=True)
class _Part:
    """A file with some of the rows, in the order of the report."""

    path: Path
    layout: Layout
    first_row: int
    rows: int = 0
    size: int = 0
    largest_piece: int = 0


class JsonReport:
    """See `open_report`."""

    def __init__(
        self,
        path: Path,
        expected: ExpectedReport | None,
        work_dir: Path,
        *,
        piece: int = PIECE,
        part: int = PART,
    ) -> None:
        """As `open_report`.

        Args:
            piece: bytes that are checked at once.
            part: bytes that one thread of DuckDB reads at once, at least.
        """
        self._exit = ExitStack()
        try:
            self.envelope: Envelope = read_envelope(path)
            self.coverage: Coverage = check_params(self.envelope.params, expected)
            work_dir.mkdir(parents=True, exist_ok=True)
            folder = TemporaryDirectory(dir=work_dir, prefix="report-")
            self._folder = Path(self._exit.enter_context(folder))
            self._file = CheckedFile(
                self._exit.enter_context(path.open("rb", buffering=0)), self.envelope, piece=piece
            )
        except BaseException:
            self._exit.close()
            raise
        self._pieces = self._file.pieces()
        self._pending: Piece | None = None
        self._part = part
        self._parts_made = 0
        self._rows = 0
        self._ended = False
        self._select_rows: str | None = None
        self._kept: list[_Part] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exit.close()

    @property
    def period_start(self) -> date:
        """First day that the report covers."""
        return self.coverage.start

    @property
    def period_end(self) -> date:
        """Last day that the report covers, inclusive."""
        return self.coverage.end

    def selects(self) -> Iterator[str]:
        """SELECTs that give all rows, some at a time, in the order of the report; to be executed one by one.

        While one is executed, the next part of the file is being checked.

        Raises:
            ReportRefusedError: names the row, and what is wrong with it; then none of the rows may be kept.
        """
        with ThreadPoolExecutor(1, thread_name_prefix="check") as ahead:
            coming = ahead.submit(self._next_parts)
            while parts := coming.result():
                coming = ahead.submit(self._next_parts)
                self._kept = parts
                yield self._select(parts)
                for part in parts:
                    part.path.unlink()

    @property
    def select_rows(self) -> str:
        """One SELECT that gives all rows; it can be executed more than once.

        Raises:
            ReportRefusedError: as `selects`.
        """
        if self._select_rows is None:
            while parts := self._next_parts():
                self._kept += parts
            self._select_rows = self._select(self._kept or [self._empty_part()])
        return self._select_rows

    def control_totals(self) -> ControlTotals:
        """Row count and sums of all rows, by the parser that checked them; DuckDB has no part in it."""
        while not self._ended and self._next_parts():
            pass
        return self._file.totals.result()

    def refusal(self, error: duckdb.Error) -> ReportRefusedError:
        """What DuckDB complained of while it executed one of the SELECTs, in words."""
        for part in self._kept:
            if part.layout is not PLAIN_LAYOUT:
                try:
                    OddRows(part.first_row, 1).plain(part.path.read_bytes()[1:-1], Totals())
                except ReportRefusedError as found:
                    return found
        return refusal(error)

    def _select(self, parts: list[_Part]) -> str:
        sources = (
            json_source([str(part.path)], part.layout, part.first_row, max(2 * part.largest_piece, 2 * PIECE))
            for part in parts
        )
        return select_rows(" UNION ALL ".join(sources), self.coverage.start, self.coverage.end)

    def _next_parts(self) -> list[_Part]:
        """Write the next part files; empty at the end of the report."""
        parts: list[_Part] = []
        while len(parts) < _PARTS_AT_ONCE and (piece := self._take()):
            parts.append(self._write_part(piece))
        self._ended = not parts
        return parts

    def _take(self) -> Piece | None:
        piece, self._pending = self._pending or next(self._pieces, None), None
        return piece

    def _write_part(self, piece: Piece | None) -> _Part:
        part = self._empty_part(piece)
        with part.path.open("wb") as file:
            opening = b"["
            while piece is not None and piece.layout is part.layout and part.size < self._part:
                size = len(piece.array)
                if size > len(b"[]"):
                    file.write(opening)
                    file.write(piece.array[1:-1])
                    opening = b","
                part.rows += piece.rows
                part.size += size
                part.largest_piece = max(part.largest_piece, size)
                piece = next(self._pieces, None)
            file.write(b"]" if opening == b"," else b"[]")
        self._pending = piece
        self._rows += part.rows
        return part

    def _empty_part(self, piece: Piece | None = None) -> _Part:
        self._parts_made += 1
        path = self._folder / f"{self._parts_made:06d}.json"
        if piece is None:
            path.write_bytes(b"[]")
        return _Part(path, piece.layout if piece else PLAIN_LAYOUT, self._rows + 1)
