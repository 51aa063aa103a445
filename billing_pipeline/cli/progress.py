"""Progress of a command on stderr: a line for each period in a terminal, messages elsewhere."""

import logging
import sys
from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from billing_pipeline.cli.streams import is_terminal
from billing_pipeline.errors import escaped
from billing_pipeline.ordering import Progress
from billing_pipeline.periods import AccountPeriod

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import Task, TaskID
    from rich.table import Table

_log = logging.getLogger(__name__)
_SHORT_ID = 8


class ProgressDisplay:
    """What a command does; any thread may call it.

    Args:
        doing: what the command does first.
        count: number of periods that it loads.
    """

    def __init__(self, doing: str, count: int = 0) -> None:
        self._count, self._done = count, 0
        self._live = _live() if is_terminal() else None
        self._lines: dict[AccountPeriod, TaskID] = {}
        if self._live:
            self._command = self._live.add_task("", total=None, state="", report="")
        self.show(doing)

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self._live:
            self._live.stop()

    def show(self, doing: str) -> None:
        """Show what the command as a whole does."""
        if self._live:
            self._live.update(self._command, state=escaped(doing))
        else:
            _log.info("%s", doing)

    def update(self, period: AccountPeriod, progress: Progress) -> None:
        """Show the progress of a period; a warning stays."""
        if progress.warning or not self._live:
            _log.log(progress.level, "%s: %s", period, progress)
        if not self._live:
            return
        fields: dict[str, Any] = {"state": escaped(progress.state)}
        if progress.report_id is not None:
            fields["report"] = progress.report_id[:_SHORT_ID]
        if (line := self._lines.get(period)) is None:
            self._lines[period] = self._live.add_task(str(period), total=None, **{"report": "", **fields})
        else:
            self._live.update(line, **fields)

    def end(self, period: AccountPeriod, outcome: str) -> None:
        """Count a period as done."""
        self._done += 1
        done = f"{self._done:,} of {self._count:,} done"
        if self._live and period in self._lines:
            self._live.remove_task(self._lines.pop(period))
        self.show(done if self._live else f"{period}: {outcome}, {done}")


def _live() -> "RichProgress":
    """The lines of a terminal: of the command first, then of each period, cut to the terminal's size."""
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415
    from rich.table import Column  # noqa: PLC0415

    console = Console(stderr=True)

    class Lines(Progress):
        def make_tasks_table(self, tasks: "Iterable[Task]") -> "Table":
            ordered = sorted(tasks, key=lambda task: task.description)
            # Lines that have scrolled off the screen could not be cleared.
            table = super().make_tasks_table(ordered[: console.height - 1])
            # Room for the ^C that the terminal echoes; another line would stay.
            table.width = console.width - len("^C")
            return table

    def text(field: str, column: Column) -> TextColumn:
        return TextColumn(f"{{task.{field}}}", markup=False, table_column=column)

    return Lines(
        text("description", Column(no_wrap=True)),
        text("fields[state]", Column(no_wrap=True, overflow="ellipsis", ratio=1)),
        text("fields[report]", Column(no_wrap=True)),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        # Lines of both streams are written above these ones; a file or pipe gets its lines itself.
        redirect_stdout=sys.stdout.isatty(),
        refresh_per_second=4,
    )
