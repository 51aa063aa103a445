"""Polling intervals: exponential backoff with a deadline, interruptible by an event."""

import threading
import time
from dataclasses import dataclass

from billing_pipeline.errors import ReportNotReadyError

GROWTH = 1.5
LONGEST_WAIT_SECONDS = 30.0
MAX_FRACTION_OF_ELAPSED = 1 / 12
"""Upper bound of one wait, as a fraction of the time waited so far, so that a finished report is noticed
soon."""


class WaitStoppedError(ReportNotReadyError):
    """The process is stopping; the next run continues."""


@dataclass(kw_only=True)
class Backoff:
    """Growing waits between polls, measured with the monotonic clock.

    Args:
        first_wait: seconds before the second poll; each further wait is at most `GROWTH` times as long.
        timeout: seconds until the deadline.
        stop: ends a wait at once when set.
        longest_wait: upper bound of one wait in seconds (or `first_wait`, if that is longer).
        max_fraction: upper bound of one wait as a fraction of the time elapsed (or `first_wait`, likewise).
    """

    first_wait: float
    timeout: float
    stop: threading.Event
    longest_wait: float = LONGEST_WAIT_SECONDS
    max_fraction: float = float("inf")

    def __post_init__(self) -> None:
        self._began = time.monotonic()
        self._next = self.first_wait

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._began

    @property
    def next_wait(self) -> float:
        """Seconds of the next wait: never more than is left until the deadline."""
        return max(0.0, min(self._next, self.timeout - self.elapsed))

    @property
    def is_over(self) -> bool:
        """Whether the deadline has passed."""
        return self.elapsed >= self.timeout

    def reset(self, factor: float = 1.0) -> None:
        """Make the next wait `factor` times the first one; the deadline stays."""
        self._next = self.first_wait * factor

    def wait(self) -> None:
        """Wait once.

        Raises:
            WaitStoppedError: `stop` was set.
        """
        self.stop.wait(self.next_wait)
        longest = max(self.first_wait, min(self.longest_wait, self.elapsed * self.max_fraction))
        self._next = min(self._next * GROWTH, longest)
        self.check()

    def check(self) -> None:
        """Raise `WaitStoppedError` if `stop` is set."""
        if self.stop.is_set():
            raise WaitStoppedError(
                "stopped while waiting for Acronis",
                todo="Run it again: it continues with the same report.",
            )
