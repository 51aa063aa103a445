"""One process at a time deals with a period's request and raw files."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from billing_pipeline.errors import RawReportError
from billing_pipeline.landing.atomic import explained
from billing_pipeline.periods import BillingPeriod

LOCK_TIMEOUT_SECONDS = 2 * 3600.0
_LOOK_SECONDS = 0.5


@contextmanager
def period_lock(
    data_dir: Path,
    period: BillingPeriod,
    *,
    stop: threading.Event | None = None,
    timeout: float = LOCK_TIMEOUT_SECONDS,
    on_wait: Callable[[float], None] | None = None,
) -> Iterator[None]:
    """Hold `requests/<period>.lock`; the system releases it when the process dies, however it dies.

    Args:
        data_dir: everything that is kept lies below it.
        period: whose lock.
        stop: ends the waiting.
        timeout: seconds after which another holder is not waited for any longer.
        on_wait: is told the seconds waited so far, as long as another holds the lock.

    Raises:
        RawReportError: another run held it all the time, or the file cannot be made.
    """
    path = data_dir / "requests" / f"{period}.lock"
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path)
        _acquire(lock, period, stop or threading.Event(), timeout, on_wait)
    try:
        yield
    finally:
        lock.release()


def _acquire(
    lock: FileLock,
    period: BillingPeriod,
    stop: threading.Event,
    timeout: float,
    on_wait: Callable[[float], None] | None,
) -> None:
    waited = 0.0
    while True:
        try:
            lock.acquire(timeout=0 if waited == 0 else _LOOK_SECONDS, poll_interval=0.05)
        except Timeout:
            if stop.is_set() or waited >= timeout:
                raise RawReportError(
                    "another run is busy with this period, and this one has stopped waiting for it",
                    todo="Wait until the other run has ended, then run it again.",
                    period=period.key,
                ) from None
            if on_wait is not None:
                on_wait(waited)
            waited += _LOOK_SECONDS
        else:
            return
