"""The limit of open reports holds across processes, and a dead process frees its slot."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from filelock import FileLock

from billing_pipeline.errors import DataFolderError
from billing_pipeline.ordering import WaitStoppedError
from billing_pipeline.ordering.semaphore import acquire_slot

HOLD = """
import sys, threading
from pathlib import Path
from billing_pipeline.ordering.semaphore import acquire_slot
slot = acquire_slot(Path(sys.argv[1]), 2, stop=threading.Event(), on_wait=print)
print("held", flush=True)
sys.stdin.read()
"""


def holder(data_dir: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(data_dir)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    return process


def must_not_wait(_: float) -> None:
    pytest.fail("there is a free slot")


def slot(
    data_dir: Path,
    limit: int = 1,
    on_wait: Callable[[float], None] = must_not_wait,
    stop: threading.Event | None = None,
) -> FileLock:
    return acquire_slot(data_dir, limit, stop=stop or threading.Event(), on_wait=on_wait)


def test_slot__all_held_by_processes__waits_until_one_dies(tmp_path: Path) -> None:
    with holder(tmp_path) as first, holder(tmp_path) as second:
        waits: list[float] = []

        def kill_first(seconds: float) -> None:
            waits.append(seconds)
            first.kill()

        third = slot(tmp_path, 2, kill_first)
        assert len(waits) == 1
        assert first.wait() != 0
        assert second.poll() is None
        third.release()
        second.kill()


def test_slot__released__is_free(tmp_path: Path) -> None:
    first = slot(tmp_path)
    first.release()
    second = slot(tmp_path)
    second.release()


def test_slot__held_by_another_thread__counts(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(slot, tmp_path).result()
    waits: list[float] = []

    def release_first(seconds: float) -> None:
        waits.append(seconds)
        first.release()

    slot(tmp_path, on_wait=release_first).release()
    assert len(waits) == 1


def test_slot__stop_set_while_waiting__raises(tmp_path: Path) -> None:
    held = slot(tmp_path)
    stop = threading.Event()
    with pytest.raises(WaitStoppedError, match="Run it again"):
        slot(tmp_path, on_wait=lambda _: stop.set(), stop=stop)
    held.release()


def test_slot__folder_cannot_be_made__error_names_it(tmp_path: Path) -> None:
    (tmp_path / "slots").write_text("in the way")
    with pytest.raises(DataFolderError, match="slots"):
        slot(tmp_path)
