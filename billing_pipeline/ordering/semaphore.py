"""The limit of open reports, as a semaphore across all processes and threads.

Lock files instead of a Dagster pool: the operating system frees the slot of a killed process at once, whereas
an in-process step that waits for a pool keeps a processor busy and cannot be stopped.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout

from billing_pipeline.files import reporting_io_errors
from billing_pipeline.ordering.backoff import check_not_stopped

_POLL_SECONDS = 0.25
_REPORT_SECONDS = 60.0


class OpenReportSlot:
    """One of the slots for open reports; `release` and the death of the process free it.

    Args:
        data_dir: the data folder; the locks are `slots/open-report-<number>.lock`.
        limit: how many slots there are.
        stop: ends the wait when set.
        on_wait: receives the seconds waited so far, once a minute, while all slots are taken.
    """

    def __init__(
        self, data_dir: Path, limit: int, *, stop: threading.Event, on_wait: Callable[[float], None]
    ) -> None:
        self._paths = [data_dir / "slots" / f"open-report-{number}.lock" for number in range(1, limit + 1)]
        self._stop = stop
        self._on_wait = on_wait
        self._held: FileLock | None = None

    def acquire(self) -> None:
        """Wait for a free slot and hold it; does nothing if one is held already.

        Raises:
            DataFolderError: the lock files cannot be made.
            WaitStoppedError: `stop` was set.
        """
        began, reports = time.monotonic(), 0
        while self._held is None and not self._try_acquire():
            waited = time.monotonic() - began
            if waited >= reports * _REPORT_SECONDS:
                self._on_wait(waited)
                reports += 1
            self._stop.wait(_POLL_SECONDS)
            check_not_stopped(self._stop)

    def release(self) -> None:
        """Free the slot, if one is held."""
        if self._held is not None:
            self._held.release()
            self._held = None

    def _try_acquire(self) -> bool:
        for path in self._paths:
            # Released by whichever thread ends the run.
            lock = FileLock(path, thread_local=False)
            with reporting_io_errors(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                try:
                    lock.acquire(timeout=0)
                except Timeout:
                    continue
            self._held = lock
            return True
        return False
