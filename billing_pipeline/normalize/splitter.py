"""The splitter: a json_v2_0 file of any size as batches of checked rows, which DuckDB reads in parallel.

A block of the file is read and cut at the last place that looks like the gap between two elements; the bytes
before the cut are decoded strictly and copied unchanged to the batch's file. A cut need not be right: a wrong
one does not decode, and then the slow exact reader finds where the elements end.

DuckDB reads one JSON array with one thread, several files with all of its threads; hence the batches.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from billing_pipeline.normalize import strict_json
from billing_pipeline.normalize.envelope import Envelope
from billing_pipeline.normalize.layout import PLAIN_LAYOUT, Layout, learn_layout
from billing_pipeline.normalize.refusals import DAMAGED, refused
from billing_pipeline.normalize.slow_rows import SlowRowReader
from billing_pipeline.normalize.strict_json import CutShortError, StrictJsonError
from billing_pipeline.normalize.typed_rows import Totals, TypedRows
from billing_pipeline.warehouse.warehouse import ROW_GROUP

BLOCK_SIZE = 1 << 18
"""Bytes that are checked at once: what fits the processor's cache."""

MAX_ELEMENT = 64 << 20
"""Bytes of the largest element: the rows of one tenant, about 100,000."""

_GROUPED_FILE = 4 << 20
"""Bytes of a file of grouped elements: DuckDB unpacks up to 2048 elements of one file at once."""

_WHITE_SPACE = b" \t\n\r"
_COMMA_AND_KEY = re.compile(rb'[ \t\n\r]*,[ \t\n\r]*\{[ \t\n\r]*"[^"\\]{0,60}"?')
_LONGEST_CLOSING = 40


@dataclass(slots=True)
class Batch:
    """Some consecutive rows of the report, checked and written to files.

    A batch fills one row group of DuckDB's table: the thread that reads it compresses it, and nothing is left
    over that DuckDB would copy. A block rarely ends there; then it is written to both batches.

    Args:
        layout: of the elements.
        first_row: position of its first row in the report, from 1.
        skipped: rows before that one in the first file.
        rows: how many rows belong to it; further ones may follow in the last file.
        files: JSON arrays of elements.
        largest_block: bytes; no element is larger.
    """

    layout: Layout
    first_row: int
    skipped: int = 0
    rows: int = 0
    files: list[Path] = field(default_factory=list)
    largest_block: int = 0


@dataclass(frozen=True, slots=True)
class _Checked:
    """Whole elements from one block: the text of a JSON array without its brackets."""

    elements: bytes | memoryview
    layout: Layout
    rows: int


class Splitter:
    """Checks the rows of a json_v2_0 file and writes them as batches. Holds one block in memory.

    Args:
        file: open for reading, unbuffered.
        envelope: where its rows are.
        folder: where the batches are written.
        block_size: bytes that are checked at once.
        rows_per_batch: of every batch but the last one of a layout.
        max_element: bytes; a larger element is refused.
    """

    def __init__(
        self,
        file: BinaryIO,
        envelope: Envelope,
        folder: Path,
        *,
        block_size: int = BLOCK_SIZE,
        rows_per_batch: int = ROW_GROUP,
        max_element: int = MAX_ELEMENT,
    ) -> None:
        self.totals = Totals()
        self._file = file
        self._start = envelope.start
        self._remaining = envelope.end - envelope.start
        self._folder = folder
        self._block_size = block_size
        self._rows_per_batch = rows_per_batch
        self._max_element = max_element
        self._gap = b""
        self._elements = 0
        self._blocks = self._check()
        self._checked: _Checked | None = None
        self._used = 0
        self._rows = 0
        self._files = 0
        self._recycled: list[Path] = []

    def next_batch(self) -> Batch | None:
        """Write the next batch; None at the end of the report.

        Raises:
            ReportRefusedError: names the row, and what is wrong with it.
        """
        checked = self._current()
        if checked is None:
            return None
        batch = Batch(checked.layout, self._rows + 1, skipped=self._used)
        while batch.rows < self._rows_per_batch and (checked := self._current(batch.layout)):
            self._write_file(batch, checked)
        self._rows += batch.rows
        return batch

    def recycle(self, batch: Batch) -> None:
        """Let later batches be written over the files of one that was read."""
        self._recycled += batch.files

    def _current(self, layout: Layout | None = None) -> _Checked | None:
        """A checked block with rows that are in no batch yet; None if there is none (of this layout)."""
        if self._checked is None or self._used == self._checked.rows:
            self._checked, self._used = next(self._blocks, None), 0
        if self._checked and layout not in (None, self._checked.layout):
            return None
        return self._checked

    def _write_file(self, batch: Batch, checked: _Checked | None) -> None:
        largest = sys.maxsize if batch.layout.rows_key is None else _GROUPED_FILE
        batch.files.append(self._new_file())
        # To write over a file takes half as long as to write a new one.
        with open(batch.files[-1], "wb", opener=_open_without_truncating) as file:
            while checked:
                file.write(b"," if file.tell() else b"[")
                file.write(checked.elements)
                batch.largest_block = max(batch.largest_block, len(checked.elements))
                taken = min(checked.rows - self._used, self._rows_per_batch - batch.rows)
                self._used += taken
                batch.rows += taken
                full = batch.rows == self._rows_per_batch or file.tell() >= largest
                checked = None if full else self._current(batch.layout)
            file.write(b"]")
            file.truncate()

    def _new_file(self) -> Path:
        if self._recycled:
            return self._recycled.pop()
        self._files += 1
        return self._folder / f"{self._files:06d}.json"

    def _check(self) -> Iterator[_Checked]:
        """All rows in the order of the file, block by block."""
        self._file.seek(self._start)
        rest, size = b"", self._block_size
        typed_rows: TypedRows | None = None
        while True:
            block = rest + self._read(size)
            last = not self._remaining
            if last and not block.strip(_WHITE_SPACE):
                if self._elements:
                    raise refused("there is a comma behind the last element of 'tenants'", DAMAGED)
                return
            typed_rows = typed_rows or self._typed_rows(block, last)
            checked, used = self._check_block(typed_rows, block, last) if typed_rows else (None, 0)
            if checked is None:  # no whole element
                rest, size = block, len(block)
                if len(block) >= self._max_element:
                    raise refused(
                        f"row {self.totals.rows + 1}: element {self._elements + 1} of 'tenants' is larger"
                        f" than {self._max_element:,} bytes"
                    )
                continue
            if checked.rows:
                yield checked
            if last and used == len(block):
                return
            rest, size = block[used:], self._block_size

    def _read(self, size: int) -> bytes:
        block = self._file.read(min(size, self._remaining))
        self._remaining -= len(block)
        if not block and self._remaining:
            raise refused("the file became shorter while it was read", DAMAGED)
        return block

    def _typed_rows(self, block: bytes, last: bool) -> TypedRows | None:
        """Learn the layout and the gap from the first element; None if the block does not hold all of it."""
        text = block.decode(errors="replace")
        try:
            element, end = strict_json.parse_next(text, strict_json.skip_white_space(text, 0))
        except StrictJsonError as error:
            if isinstance(error, CutShortError) and not last:
                return None
            raise refused(f"row 1: it is not valid JSON: {error}", DAMAGED) from None
        self._learn_gap(block, len(text[:end].encode()))
        return TypedRows(learn_layout(element))

    def _learn_gap(self, block: bytes, end: int) -> None:
        """Take the bytes around the end of an element for those between all elements.

        Within a file they are mostly the same: the brackets that close an element, a comma, the next one's
        first key. So the last gap of a block is one search from its end.
        """
        closing = block[max(0, end - _LONGEST_CLOSING) : end]
        comma_and_key = _COMMA_AND_KEY.match(block, end)
        if comma_and_key:
            self._gap = closing[len(closing.rstrip(b"]} \t\n\r")) :] + comma_and_key[0]

    def _check_block(self, typed_rows: TypedRows, block: bytes, last: bool) -> tuple[_Checked | None, int]:
        """The whole elements of a block, and how many of its bytes they take up; None if it holds none."""
        comma = len(block) if last else self._last_comma(block)
        array = b"".join((b"[", memoryview(block)[:comma], b"]"))
        try:
            elements = typed_rows.decode(array)
        except (ValueError, RecursionError):
            return self._check_slowly(block, last)
        if not elements:
            return self._check_slowly(block, last)
        rows = typed_rows.count_and_add(elements, self.totals)
        self._elements += len(elements)
        return _Checked(memoryview(array)[1:-1], typed_rows.layout, rows), comma + (not last)

    def _last_comma(self, block: bytes) -> int:
        """Offset of the comma in the last gap of a block; 0 if it has none."""
        gap = block.rfind(self._gap) if self._gap else -1
        return gap + self._gap.index(b",") if gap >= 0 else 0

    def _check_slowly(self, block: bytes, last: bool) -> tuple[_Checked | None, int]:
        reader = SlowRowReader(self.totals.rows + 1, self._elements + 1, self.totals)
        rows, used = reader.read(block, last=last)
        self._elements = reader.elements_before
        if not used:
            return None, 0
        if not last:
            self._learn_gap(block, used - 1)
        return _Checked(",".join(rows).encode(), PLAIN_LAYOUT, len(rows)), used


def _open_without_truncating(path: str, flags: int) -> int:
    return os.open(path, flags & ~os.O_TRUNC, 0o600)
