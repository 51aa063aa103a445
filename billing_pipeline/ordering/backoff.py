"""Polling intervals: exponential backoff with a deadline, interruptible by an event."""

from __future__ import annotations

import threading
import time

from billing_pipeline.errors import ReportNotReadyError

GROWTH = 1.5
LONGEST_WAIT_SECONDS = 30.0
MAX_FRACTION_OF_ELAPSED = 1 / 12
"""Upper bound of one wait, as a fraction of the time waited so far, so that a finished report is noticed
soon."""


class WaitStoppedError(ReportNotReadyError):
    """The process is stopping; the next run continues."""


def check_not_stopped(stop: threading.Event) -> None:
    """Raise `WaitStoppedError` if the event is set."""
    if stop.is_set():
        raise WaitStoppedError(
            "stopped while waiting for Acronis",
            todo="Run it again: it continues with the same report.",
        )


class Backoff:
    """Growing waits between polls, measured with the monotonic clock.

    Args:
        first_wait: seconds before the second poll; each further wait is at most `GROWTH` times as long.
        timeout: seconds until the deadline.
        stop: ends a wait at once when set.
        longest_wait: upper bound of one wait in seconds (or `first_wait`, if that is longer).
        max_fraction: upper bound of one wait as a fraction of the time elapsed (or `first_wait`, likewise).
    """

    def __init__(
        self,
        *,
        first_wait: float,
        timeout: float,
        stop: threading.Event,
        longest_wait: float = LONGEST_WAIT_SECONDS,
        max_fraction: float = float("inf"),
    ) -> None:
        self._began = time.monotonic()
        self._timeout = timeout
        self._first = first_wait
        self._longest = max(longest_wait, first_wait)
        self._max_fraction = max_fraction
        self._next = first_wait
        self._stop = stop

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._began

    @property
    def next_wait(self) -> float:
        """Seconds of the next wait: never more than is left until the deadline."""
        return max(0.0, min(self._next, self._timeout - self.elapsed))

    @property
    def is_over(self) -> bool:
        """Whether the deadline has passed."""
        return self.elapsed >= self._timeout

    def reset(self, factor: float = 1.0) -> None:
        """Make the next wait `factor` times the first one; the deadline stays."""
        self._next = self._first * factor

    def wait(self) -> None:
        """Wait once.

        Raises:
            WaitStoppedError: `stop` was set.
        """
        self._stop.wait(self.next_wait)
        longest = min(self._longest, max(self._first, self.elapsed * self._max_fraction))
        self._next = min(self._next * GROWTH, longest)
        self.check()

    def check(self) -> None:
        """Raise `WaitStoppedError` if `stop` is set."""
        check_not_stopped(self._stop)
