"""Polling intervals grow to a limit, and never beyond the deadline."""

from __future__ import annotations

import threading
import time
from itertools import pairwise

import pytest

from billing_pipeline.ordering import WaitStoppedError
from billing_pipeline.ordering.backoff import MAX_FRACTION_OF_ELAPSED, Backoff


class RecordingEvent(threading.Event):
    """Records the timeouts of its waits and returns at once."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout)
        return self.is_set()


def waits_of(first_wait: float, timeout: float, count: int) -> list[float | None]:
    event = RecordingEvent()
    backoff = Backoff(first_wait=first_wait, timeout=timeout, stop=event)
    for _ in range(count):
        backoff.wait()
    return event.waits


def test_backoff__default_limit__grows_by_half_up_to_30_s() -> None:
    assert waits_of(5, 1e6, 7) == [5, 7.5, 11.25, 16.875, 25.3125, 30, 30]


def test_backoff__fraction_of_elapsed__polls_a_report_of_two_minutes_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])

    class Clock(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            clock[0] += timeout or 0
            return False

    backoff = Backoff(first_wait=5, timeout=1800, stop=Clock(), max_fraction=MAX_FRACTION_OF_ELAPSED)
    polls = [0.0]
    while not backoff.is_over:
        backoff.wait()
        polls.append(clock[0])

    between = list(pairwise(polls))
    assert all(later - earlier <= 5 for earlier, later in between if later <= 60)
    assert all(later - earlier <= 10 for earlier, later in between if later <= 120)
    assert max(later - earlier for earlier, later in between) == 30
    assert len(polls) < 90


def test_backoff__first_wait_above_the_limit__stays() -> None:
    assert waits_of(90, 1e6, 3) == [90, 90, 90]


def test_backoff__deadline_near__wait_ends_at_the_deadline() -> None:
    waits = waits_of(5, 8, 4)
    assert waits[0] == 5
    assert all(wait is not None and 0 <= wait <= 8 for wait in waits)


def test_backoff__timeout_passed__is_over() -> None:
    assert Backoff(first_wait=1, timeout=0, stop=threading.Event()).is_over
    assert not Backoff(first_wait=1, timeout=1e6, stop=threading.Event()).is_over


def test_backoff__stop_set__raises_wait_stopped() -> None:
    stop = RecordingEvent()
    stop.set()
    backoff = Backoff(first_wait=5, timeout=1e6, stop=stop)
    with pytest.raises(WaitStoppedError, match="Run it again"):
        backoff.wait()
    with pytest.raises(WaitStoppedError):
        backoff.check()
