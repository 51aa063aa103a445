"""The splitter: a json_v2_0 file of any size as batches of checked rows, which DuckDB reads in parallel.

A block of the file is read and cut at the last place that looks like the gap between two elements; the bytes
before the cut are decoded strictly and copied unchanged to the batch's file. A cut need not be right: a wrong
one does not decode, and then the slow exact reader finds where the elements end.

DuckDB reads one JSON array with one thread, several files with all of its threads; hence the batches.
"""

import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import BinaryIO, NamedTuple

from billing_pipeline.errors import ReportRefusedError
from billing_pipeline.normalize import strict_json
from billing_pipeline.normalize.envelope import Envelope
from billing_pipeline.normalize.layout import PLAIN_LAYOUT, Layout, learn_layout
from billing_pipeline.normalize.projection import Batch
from billing_pipeline.normalize.refusals import DAMAGED, UnknownLayoutError, refused
from billing_pipeline.normalize.slow_rows import SlowRowReader
from billing_pipeline.normalize.strict_json import StrictJsonError
from billing_pipeline.normalize.totals import Totals
from billing_pipeline.normalize.typed_rows import TypedRows
from billing_pipeline.sql_files import ROW_GROUP

BLOCK_SIZE = 1 << 18
"""Block size in bytes; fits the processor's cache."""

MAX_ELEMENT = 20 << 20
"""Bytes of the largest element: the rows of one tenant, about 30,000.

The engine unpacks an element at once, and the memory of a load ends at about 22 MiB.
"""

_GROUPED_FILE = 4 << 20
"""Bytes of a file of grouped elements: DuckDB unpacks up to 2048 elements of one file at once."""

_WHITE_SPACE = b" \t\n\r"
_COMMA_AND_KEY = re.compile(rb'[ \t\n\r]*,[ \t\n\r]*\{[ \t\n\r]*"[^"\\]{0,60}"?')
_LONGEST_CLOSING = 40


class _Checked(NamedTuple):
    """Whole elements from one block."""

    elements: bytes | memoryview  # the text of a JSON array without its brackets
    layout: Layout
    rows: int
    used: int  # bytes of the block that they take up


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
        self._file.seek(envelope.start)
        self._remaining = envelope.end - envelope.start
        self._folder = folder
        self._block_size = block_size
        self._rows_per_batch = rows_per_batch
        self._max_element = max_element
        self._slow_rows = SlowRowReader(self.totals)
        self._typed_rows: TypedRows | None = None
        self._is_learned = False
        self._gap = b""
        self._files = 0
        self._recycled: list[Path] = []

    def batches(self) -> Iterator[Batch]:
        """Write the batches, one by one as they are taken.

        Raises:
            ReportRefusedError: names the row, and what is wrong with it.
        """
        rows_before = 0
        with ExitStack() as output:
            for layout, blocks in groupby(self._check(), key=attrgetter("layout")):
                largest = sys.maxsize if layout.rows_key is None else _GROUPED_FILE
                batch, file = Batch(layout, rows_before + 1), None
                for block in blocks:
                    used = 0
                    while used < block.rows:
                        file = file or output.enter_context(self._new_file(batch))
                        file.write(b"," if file.tell() else b"[")
                        file.write(block.elements)
                        batch.largest_block = max(batch.largest_block, len(block.elements))
                        taken = min(block.rows - used, self._rows_per_batch - batch.rows)
                        used += taken
                        batch.rows += taken
                        rows_before += taken
                        full = batch.rows == self._rows_per_batch
                        if full or file.tell() >= largest:
                            output.close()
                            file = None
                        if full:
                            yield batch
                            batch = Batch(layout, rows_before + 1, skipped=used % block.rows)
                output.close()
                if batch.rows:
                    yield batch

    def layout_in_words(self) -> str:
        """The layout, for a person. Reads no further than the first rows.

        Raises:
            UnknownLayoutError: the layout of these rows is not known.
            ReportRefusedError: the first element is damaged; a bad value in a known layout is no matter here.
        """
        try:
            next(self._check(), None)
        except ReportRefusedError as error:
            if isinstance(error, UnknownLayoutError) or not self._is_learned:
                raise
        if not self._is_learned:
            return "unknown, because the report is empty"
        if self._typed_rows is None:
            return "grouped, with the rows further in, read one by one"
        return self._typed_rows.layout.in_words()

    def recycle(self, batch: Batch) -> None:
        """Reuse the files of a batch that was read."""
        self._recycled += batch.files

    @contextmanager
    def _new_file(self, batch: Batch) -> Iterator[BinaryIO]:
        """Add a file to a batch. Overwriting a file takes half as long as creating one."""
        if self._recycled:
            path = self._recycled.pop()
        else:
            self._files += 1
            path = self._folder / f"{self._files:06d}.json"
            path.touch()
        batch.files.append(path)
        with path.open("r+b") as file:
            yield file
            file.write(b"]")
            file.truncate()

    def _check(self) -> Iterator[_Checked]:
        """All rows in the order of the file, block by block."""
        rest, size = b"", self._block_size
        while True:
            read = self._file.read(min(size, self._remaining))
            if not read and self._remaining:
                raise refused("the file became shorter while it was read", DAMAGED)
            self._remaining -= len(read)
            block = rest + read
            last = not self._remaining
            if last and not block.strip(_WHITE_SPACE):
                if self.totals.elements:
                    raise refused("there is a comma behind the last element of 'tenants'", DAMAGED)
                return
            if not self._is_learned:
                self._learn(block)
            checked = self._check_block(block, last)
            if checked is None:  # no whole element
                rest, size = block, min(len(block), self._max_element - len(block))
                if size <= 0:
                    raise refused(
                        f"{self.totals.next_row}: {self.totals.next_element} is larger"
                        f" than {self._max_element:,} bytes"
                    )
                continue
            if checked.rows:
                yield checked
            if last and checked.used == len(block):
                return
            rest, size = block[checked.used :], self._block_size

    def _learn(self, block: bytes) -> None:
        """Infer layout and gap from the first element, if the block contains all of it."""
        text = block.decode(errors="replace")
        try:
            element, end = strict_json.parse_next(text, strict_json.skip_white_space(text, 0))
        except StrictJsonError:
            return
        self._learn_gap(block, len(text[:end].encode()))
        layout = learn_layout(element)
        self._is_learned = True
        if layout is not None:
            self._typed_rows = TypedRows(layout)
            if layout.rows_key is not None:
                self._slow_rows.lists.setdefault(layout.rows_key)

    def _learn_gap(self, block: bytes, end: int) -> None:
        """Use the bytes at the end of an element as the pattern of all gaps.

        Within a file gaps are mostly equal: the brackets that close an element, a comma, the next element's
        first key. So one search from the end of a block finds its last gap.
        """
        closing = block[max(0, end - _LONGEST_CLOSING) : end]
        comma_and_key = _COMMA_AND_KEY.match(block, end)
        if comma_and_key:
            self._gap = closing[len(closing.rstrip(b"]} \t\n\r")) :] + comma_and_key[0]

    def _check_block(self, block: bytes, last: bool) -> _Checked | None:
        """The whole elements of a block; None if it holds none."""
        typed_rows = self._typed_rows
        if typed_rows is not None:
            gap = block.rfind(self._gap) if self._gap else -1
            comma = len(block) if last else gap + self._gap.index(b",") if gap >= 0 else 0
            array = b"".join((b"[", memoryview(block)[:comma], b"]"))
            try:
                elements = typed_rows.decode(array)
            except (ValueError, RecursionError):
                elements = []
            if elements:
                rows = typed_rows.count_and_add(elements, self.totals)
                return _Checked(memoryview(array)[1:-1], typed_rows.layout, rows, comma + (not last))
        plain, used = self._slow_rows.read(block, last=last)
        if not used:
            return None
        if not last:
            self._learn_gap(block, used - 1)
        return _Checked(",".join(plain).encode(), PLAIN_LAYOUT, len(plain), used)
