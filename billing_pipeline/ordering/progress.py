"""Progress of a step, for a log or a terminal."""

from __future__ import annotations

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

    def __str__(self) -> str:
        parts = [self.what]
        if self.report_id is not None:
            parts.append(f"report {self.report_id}")
        if self.status is not None:
            parts.append(self.status)
        if self.elapsed_seconds >= 1:
            parts.append(f"{self.elapsed_seconds:.0f} s so far")
        if self.next_poll_seconds is not None:
            parts.append(f"next poll in {self.next_poll_seconds:.0f} s")
        return ("warning: " if self.warning else "") + ", ".join(parts)


ProgressCallback = Callable[[Progress], None]


def ignore_progress(_progress: Progress) -> None:
    """Report progress to nobody."""
