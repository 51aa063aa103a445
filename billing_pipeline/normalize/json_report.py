"""A json_v2_0 file as SELECTs that DuckDB executes."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

import duckdb

from billing_pipeline.errors import ReportRefusedError
from billing_pipeline.normalize.envelope import read_envelope
from billing_pipeline.normalize.expectation import check_params
from billing_pipeline.normalize.layout import PLAIN_LAYOUT
from billing_pipeline.normalize.projection import Batch, batch_rows, select_rows
from billing_pipeline.normalize.refusals import refused_by_duckdb
from billing_pipeline.normalize.slow_rows import SlowRowReader
from billing_pipeline.normalize.splitter import Splitter
from billing_pipeline.normalize.totals import Totals
from billing_pipeline.reports import ControlTotals, ReportParameters

_MAX_BATCHES = 8
"""Batches per statement, and the limit of batches written ahead. With fewer, planning dominates: it takes as
long as reading some thousand rows. More would not be ready, because one thread checks rows as fast as two or
three of DuckDB's threads read them."""


_Checking = Future[Batch | None]
_Started = tuple[Splitter, Callable[[], _Checking], deque[_Checking]]


class JsonReport:
    """A json_v2_0 file, as downloaded, not compressed.

    Args:
        requested: the parameters of its request; None takes any report.
        work_dir: folder for temporary files, much smaller than the report; removed when the report is closed.
        sizes: `block_size` and `rows_per_batch` of `Splitter`.

    Attributes:
        period_start: first day that the report covers.
        period_end: last day, inclusive.

    Raises:
        ReportRefusedError: the file is not a whole report of this format, or not the one that was requested.
    """

    def __init__(
        self,
        path: Path,
        requested: ReportParameters | None,
        work_dir: Path,
        **sizes: int,
    ) -> None:
        self._path = path
        self._sizes = sizes
        self._envelope = read_envelope(path)
        self.period_start, self.period_end = check_params(self._envelope.params, requested)
        work_dir.mkdir(parents=True, exist_ok=True)
        self._folder = TemporaryDirectory(dir=work_dir, prefix="report-", ignore_cleanup_errors=True)
        self._reading = ExitStack()
        self._started: _Started | None = None
        self._batches: list[Batch] = []
        self._totals: ControlTotals | None = None

    def __enter__(self) -> Self:
        self._started = self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._reading.close()
        self._folder.cleanup()

    def selects(self) -> Iterator[str]:
        """SELECTs that yield all rows, each with its position; execute each before requesting the next.

        A thread checks the next batches meanwhile, the first ones since the report was entered. Each call
        starts at the first row and ends what an earlier call began.

        Raises:
            ReportRefusedError: names the row, and what is wrong with it; then none of the rows may be kept.
        """
        splitter, check, ahead = self._started or self._start()
        self._started = None
        while batches := _ready(ahead):
            self._batches = batches
            ahead.extend(check() for _ in batches)
            source = " UNION ALL ".join(map(batch_rows, batches))
            yield select_rows(source, self.period_start, self.period_end)
            for batch in batches:
                splitter.recycle(batch)
        self._totals = splitter.totals.result()
        self._batches = []
        for file in Path(self._folder.name).iterdir():
            file.unlink()

    def _start(self) -> _Started:
        """Start to check rows, from the first one; end what was started before."""
        self._reading.close()
        source = self._reading.enter_context(self._path.open("rb", buffering=0))
        splitter = Splitter(source, self._envelope, Path(self._folder.name), **self._sizes)
        checker = ThreadPoolExecutor(1, thread_name_prefix="check")
        self._reading.callback(checker.shutdown, cancel_futures=True)
        check = partial(checker.submit, next, splitter.batches(), None)
        return splitter, check, deque(check() for _ in range(_MAX_BATCHES))

    def control_totals(self) -> ControlTotals:
        """Row count and sums of all rows, by the strict parser, independent of DuckDB.

        Raises:
            ReportRefusedError: as `selects`, if its rows were not read yet.
        """
        while self._totals is None:
            for _ in self.selects():
                pass
        return self._totals

    def refusal(self, error: duckdb.Error) -> ReportRefusedError:
        """The refusal for an error of DuckDB in one of the SELECTs."""
        for batch in self._batches:
            if batch.layout is PLAIN_LAYOUT:
                continue
            reader = SlowRowReader(
                Totals(batch.first_row - batch.skipped - 1), *filter(None, [batch.layout.rows_key])
            )
            try:
                for file in batch.files:
                    reader.read(file.read_bytes()[1:-1], last=True)
            except ReportRefusedError as found:
                return found
        return refused_by_duckdb(error)


def _ready(ahead: deque[_Checking]) -> list[Batch]:
    """The batches that are ready, at least one; none at the end of the report."""
    batches: list[Batch] = []
    while ahead and (not batches or ahead[0].done()):
        batch = ahead[0].result()
        if batch is None:
            break
        batches.append(batch)
        ahead.popleft()
    return batches
