"""The limit of open reports, as a semaphore across all processes and threads.

Lock files instead of a Dagster pool: the operating system frees the slot of a killed process at once, whereas
an in-process step that waits for a pool keeps a processor busy and cannot be stopped.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from billing_pipeline.files import make_folder, reporting_io_errors
from billing_pipeline.ordering.backoff import Backoff

_POLL_SECONDS = 0.25
_REPORT_SECONDS = 60.0


def acquire_slot(
    data_dir: Path, limit: int, *, stop: threading.Event, on_wait: Callable[[float], None]
) -> FileLock:
    """Wait for a free slot for open reports; releasing the lock, or the death of the process, frees it.

    Args:
        data_dir: the data folder; the locks are `slots/open-report-<number>.lock`.
        limit: how many slots there are.
        stop: ends the wait when set.
        on_wait: receives the seconds waited so far, once a minute, while all slots are taken.

    Raises:
        DataFolderError: the lock files cannot be made.
        WaitStoppedError: `stop` was set.
    """
    backoff = Backoff(first_wait=_POLL_SECONDS, longest_wait=_POLL_SECONDS, timeout=float("inf"), stop=stop)
    reports = 0
    while True:
        for number in range(1, limit + 1):
            path = data_dir / "slots" / f"open-report-{number}.lock"
            # Released by whichever thread ends the run.
            lock = FileLock(path, timeout=0, thread_local=False)
            with reporting_io_errors(path), suppress(Timeout):
                make_folder(path.parent)
                lock.acquire()
                return lock
        if backoff.elapsed >= reports * _REPORT_SECONDS:
            on_wait(backoff.elapsed)
            reports += 1
        backoff.wait()
