"""At most so many processes at once do a thing, however they were started and however they die.

Files that the system locks, and not a pool of Dagster's: a killed process frees its slot in that moment,
and nobody needs to notice. A pool's slot stays taken until somebody frees it; and a step that waits for one
in its run's own process, as all of these do, keeps a processor busy and cannot be stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import FileLock, Timeout

from billing_pipeline.landing.atomic import explained

_LOOK_SECONDS = 0.25
_TELL_SECONDS = 60.0


class Slot:
    """A slot of some: free until `take`, and again after `release` or the death of the process.

    Args:
        data_dir: everything that is kept lies below it; the locks are `slots/<name>-<number>.lock`.
        name: what is limited, such as `download`.
        limit: how many processes may hold one at the same time.
        on_wait: is told the seconds waited so far, once a minute, as long as all are taken.
    """

    def __init__(
        self, data_dir: Path, name: str, limit: int, *, on_wait: Callable[[float], None] | None = None
    ) -> None:
        self._paths = [data_dir / "slots" / f"{name}-{number}.lock" for number in range(1, limit + 1)]
        self._on_wait = on_wait
        self._held: FileLock | None = None

    def take(self) -> None:
        """Wait until a slot is free, and hold it; nothing if one is held already.

        Raises:
            RawReportError: the files cannot be made.
        """
        began, told = time.monotonic(), 0
        while self._held is None and not self._taken():
            waited = time.monotonic() - began
            if self._on_wait is not None and waited >= told * _TELL_SECONDS:
                self._on_wait(waited)
                told += 1
            time.sleep(_LOOK_SECONDS)

    def release(self) -> None:
        """Let another have it."""
        if self._held is not None:
            self._held.release()
            self._held = None

    def _taken(self) -> bool:
        for path in self._paths:
            with explained(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                lock = FileLock(path)
                try:
                    lock.acquire(timeout=0)
                except Timeout:
                    continue
            self._held = lock
            return True
        return False

    def __enter__(self) -> Self:
        self.take()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
