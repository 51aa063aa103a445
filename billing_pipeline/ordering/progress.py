"""Progress of a step, for a log or a terminal."""

import logging
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """One event, or the state of one wait.

    Args:
        what: a short phrase.
        report_id: the report concerned.
        elapsed_seconds: since the step began.
        status: of the stored reports, such as `json_v2_0 saved, csv_v2_0 in_progress`.
        next_poll_seconds: until the next poll; None where nothing is polled.
        warning: whether it deserves attention.
    """

    what: str
    report_id: str | None = None
    elapsed_seconds: float = 0.0
    status: str | None = None
    next_poll_seconds: float | None = None
    warning: bool = False

    @property
    def level(self) -> int:
        """The level of `logging`."""
        return logging.WARNING if self.warning else logging.INFO

    @property
    def state(self) -> str:
        """What is being done, without the report's id and the elapsed time."""
        parts = [self.what]
        if self.status is not None:
            parts.append(self.status)
        if self.next_poll_seconds is not None:
            parts.append(f"next poll in {self.next_poll_seconds:.0f} s")
        return ", ".join(parts)

    def __str__(self) -> str:
        parts = [self.state]
        if self.report_id is not None:
            parts.append(f"report {self.report_id}")
        if self.elapsed_seconds >= 1:
            parts.append(f"{self.elapsed_seconds:.0f} s so far")
        return ", ".join(parts)


ProgressCallback = Callable[[Progress], None]


def ignore_progress(_progress: Progress) -> None:
    """Report progress to nobody."""
