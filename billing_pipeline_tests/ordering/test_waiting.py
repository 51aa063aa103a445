"""Waits grow to a limit, and never beyond the deadline."""

from __future__ import annotations

import threading
import time
from itertools import pairwise

import pytest

from billing_pipeline.ordering import WaitStoppedError
from billing_pipeline.ordering.waiting import LOOK_SHARE, Patience


class Untiring(threading.Event):
    """Notes how long it would have been waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout)
        return self.is_set()


def waits_of(first_wait: float, timeout: float, count: int) -> list[float | None]:
    event = Untiring()
    patience = Patience(first_wait=first_wait, timeout=timeout, stop=event)
    for _ in range(count):
        patience.wait()
    return event.waits


def test_each_wait_is_half_as_long_again_until_half_a_minute() -> None:
    assert waits_of(5, 1e6, 7) == [5, 7.5, 11.25, 16.875, 25.3125, 30, 30]


def test_a_report_that_takes_its_usual_minute_or_two_is_seen_soon_after_it_is_ready(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])

    class Clock(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            clock[0] += timeout or 0
            return False

    patience = Patience(first_wait=5, timeout=1800, stop=Clock(), share=LOOK_SHARE)
    looks = [0.0]
    while not patience.is_over:
        patience.wait()
        looks.append(clock[0])

    between = list(pairwise(looks))
    assert all(later - earlier <= 5 for earlier, later in between if later <= 60)
    assert all(later - earlier <= 10 for earlier, later in between if later <= 120)
    assert max(later - earlier for earlier, later in between) == 30
    assert len(looks) < 90


def test_a_longer_first_wait_stays() -> None:
    assert waits_of(90, 1e6, 3) == [90, 90, 90]


def test_no_wait_goes_beyond_the_deadline() -> None:
    waits = waits_of(5, 8, 4)
    assert waits[0] == 5
    assert all(wait is not None and 0 <= wait <= 8 for wait in waits)


def test_the_deadline_is_over_when_it_is() -> None:
    assert Patience(first_wait=1, timeout=0, stop=None).is_over
    assert not Patience(first_wait=1, timeout=1e6, stop=None).is_over


def test_stop_is_an_error_that_says_what_to_do() -> None:
    stop = Untiring()
    stop.set()
    patience = Patience(first_wait=5, timeout=1e6, stop=stop)
    with pytest.raises(WaitStoppedError, match="Run it again"):
        patience.wait()
    with pytest.raises(WaitStoppedError):
        patience.check()
