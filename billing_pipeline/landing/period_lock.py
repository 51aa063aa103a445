"""The lock of a period: one process or thread at a time works on its requests and raw files."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from billing_pipeline.errors import DataFolderError
from billing_pipeline.files import make_folder, reporting_io_errors
from billing_pipeline.periods import BillingPeriod

LOCK_TIMEOUT_SECONDS = 2 * 3600.0
_POLL_SECONDS = 0.5


@contextmanager
def period_lock(
    data_dir: Path,
    period: BillingPeriod,
    *,
    stop: threading.Event | None = None,
    timeout: float = LOCK_TIMEOUT_SECONDS,
    on_wait: Callable[[float], None] | None = None,
) -> Iterator[None]:
    """Hold `requests/<period>.lock`; the operating system releases it when the process dies.

    Args:
        data_dir: the account's folder.
        period: whose lock.
        stop: ends the wait when set.
        timeout: seconds to wait for another holder.
        on_wait: receives the seconds waited so far, at every poll while another holds the lock.

    Raises:
        DataFolderError: another run held the lock until the timeout, or the file cannot be made.
    """
    path = data_dir / "requests" / f"{period}.lock"
    began = time.monotonic()

    def is_stopped() -> bool:
        if on_wait is not None:
            on_wait(round(time.monotonic() - began, 1))
        return stop is not None and stop.is_set()

    lock = FileLock(path)
    with reporting_io_errors(path):
        make_folder(path.parent)
        try:
            lock.acquire(timeout=timeout, poll_interval=_POLL_SECONDS, cancel_check=is_stopped)
        except Timeout:
            raise DataFolderError(
                "another run holds the lock of this period, and this run has stopped waiting for it",
                todo="Wait until the other run has ended, then run it again.",
                period=period.key,
            ) from None
    try:
        yield
    finally:
        with reporting_io_errors(path):
            lock.release()
