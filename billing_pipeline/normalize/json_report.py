"""A json_v2_0 file as SELECTs that DuckDB executes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

import duckdb

from billing_pipeline.errors import ReportRefusedError
from billing_pipeline.normalize.envelope import read_envelope
from billing_pipeline.normalize.expectation import Coverage, ExpectedReport, check_params
from billing_pipeline.normalize.odd_rows import PLAIN_LAYOUT, OddRows
from billing_pipeline.normalize.parts import Part, PartWriter
from billing_pipeline.normalize.pieces import PIECE, CheckedFile
from billing_pipeline.normalize.projection import json_source, select_rows
from billing_pipeline.normalize.refusal import refusal
from billing_pipeline.normalize.typed_rows import Totals
from billing_pipeline.reports import ControlTotals
from billing_pipeline.row_groups import ROW_GROUP

_MOST_PARTS = 8
"""Read by one statement, and written ahead of it. Fewer make more statements, and to plan one takes as long
as to read some thousand rows; more would not be there in time, because one thread checks rows, as fast as two
or three of DuckDB's read them."""


class JsonReport:
    """A json_v2_0 file, as downloaded, not compressed.

    Args:
        path: the file.
        expected: what was ordered; None takes any report.
        work_dir: folder for temporary files, as large as the report; removed when the report is closed.
        piece: bytes that are checked at once.
        rows_of_a_part: as `PartWriter`.

    Raises:
        ReportRefusedError: the file is not a whole report of this format, or not the one that was ordered.
    """

    def __init__(
        self,
        path: Path,
        expected: ExpectedReport | None,
        work_dir: Path,
        *,
        piece: int = PIECE,
        rows_of_a_part: int = ROW_GROUP,
    ) -> None:
        self._exit = ExitStack()
        try:
            self._envelope = read_envelope(path)
            self.coverage: Coverage = check_params(self._envelope.params, expected)
            work_dir.mkdir(parents=True, exist_ok=True)
            folder = TemporaryDirectory(dir=work_dir, prefix="report-")
            self._parts = Path(self._exit.enter_context(folder))
            self._source = self._exit.enter_context(path.open("rb", buffering=0))
        except BaseException:
            self._exit.close()
            raise
        self._piece = piece
        self._rows_of_a_part = rows_of_a_part
        self._ahead = ThreadPoolExecutor(1, thread_name_prefix="check")
        self._exit.callback(self._ahead.shutdown, cancel_futures=True)
        self._begin()

    def _begin(self) -> None:
        """Start at the first row, before it is asked for: a part is being checked while others are read."""
        self._file = CheckedFile(self._source, self._envelope, piece=self._piece)
        self._writer = PartWriter(self._file, self._parts, self._rows_of_a_part)
        self._begun = False
        self._coming: deque[Future[Part | None]] = deque()
        self._kept: list[Part] = []
        self._check_ahead()

    def _check_ahead(self) -> None:
        while len(self._coming) < _MOST_PARTS:
            self._coming.append(self._ahead.submit(self._writer.next_part))

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
        """SELECTs that give all rows, each with its position, some at a time; to be executed one by one.

        While one is executed, the next parts of the file are being checked. Asked for again, they begin anew,
        and those that were asked for before end.

        Raises:
            ReportRefusedError: names the row, and what is wrong with it; then none of the rows may be kept.
        """
        if self._begun:
            wait([future for future in self._coming if not future.cancel()])
            self._begin()
        writer = self._writer
        while writer is self._writer and (parts := self._next_parts()):
            self._kept = parts
            yield select_rows(json_source(parts), self.coverage.start, self.coverage.end)
            writer.take_back(parts)
        if writer is self._writer:
            self._ahead.submit(writer.remove_read_files)

    def control_totals(self) -> ControlTotals:
        """Row count and sums of all rows, by the parser that checked them; DuckDB has no part in it."""
        while parts := self._next_parts():
            self._writer.take_back(parts)
        return self._file.totals.result()

    def refusal(self, error: duckdb.Error) -> ReportRefusedError:
        """What DuckDB complained of while it executed one of the SELECTs, in words."""
        for part in self._kept:
            reader = OddRows(part.first_row - part.skipped, 1)
            for file in part.files if part.layout is not PLAIN_LAYOUT else ():
                try:
                    reader.plain(file.read_bytes()[1:-1], Totals())
                except ReportRefusedError as found:
                    return found
        return refusal(error)

    def _next_parts(self) -> list[Part]:
        """The parts that are written, one at least; nothing at the end of the report."""
        self._begun = True
        parts: list[Part] = []
        while len(parts) < _MOST_PARTS and (not parts or self._coming[0].done()):
            part = self._coming[0].result()
            if part is None:
                break
            parts.append(part)
            self._coming.popleft()
            self._check_ahead()
        return parts
