"""Waiting that grows, is bounded by a deadline, and can be stopped."""

from __future__ import annotations

import threading
import time

from billing_pipeline.errors import ReportNotReadyError

GROWTH = 1.5
LONGEST_WAIT_SECONDS = 30.0
LOOK_SHARE = 1 / 12
"""Of the time waited so far: so long may a wait for the report be, lest one that is ready lies about."""


class WaitStoppedError(ReportNotReadyError):
    """Somebody asked to stop; the next run continues."""


class Patience:
    """Waits between looks at something, measured with a clock that nobody sets.

    Args:
        first_wait: seconds before the second look; each further wait is at most half as long again.
        timeout: seconds after which it ends.
        stop: ends a wait at once.
        longest_wait: seconds that a wait does not grow beyond (`first_wait`, if that is longer).
        share: of the time since the beginning, which a wait does not grow beyond either (again, if
            `first_wait` is not longer).
    """

    def __init__(
        self,
        *,
        first_wait: float,
        timeout: float,
        stop: threading.Event | None,
        longest_wait: float = LONGEST_WAIT_SECONDS,
        share: float = float("inf"),
    ) -> None:
        self._began = time.monotonic()
        self._timeout = timeout
        self._first = first_wait
        self._longest = max(longest_wait, first_wait)
        self._share = share
        self._next = first_wait
        self._stop = stop or threading.Event()

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._began

    @property
    def next_wait(self) -> float:
        """Seconds that the next wait lasts: never more than is left."""
        return max(0.0, min(self._next, self._timeout - self.elapsed))

    @property
    def is_over(self) -> bool:
        """Whether the deadline has passed."""
        return self.elapsed >= self._timeout

    def start_over(self, factor: float = 1.0) -> None:
        """Let the next wait be `factor` times the first one; the deadline stays."""
        self._next = self._first * factor

    def wait(self) -> None:
        """Wait once.

        Raises:
            WaitStoppedError: `stop` was set.
        """
        stopped = self._stop.wait(self.next_wait)
        longest = min(self._longest, max(self._first, self.elapsed * self._share))
        self._next = min(self._next * GROWTH, longest)
        if stopped:
            self.check()

    def check(self) -> None:
        """Raise `WaitStoppedError` if `stop` is set."""
        if self._stop.is_set():
            raise WaitStoppedError(
                "stopped while waiting for Acronis",
                todo="Run it again: it continues with the same report.",
            )
