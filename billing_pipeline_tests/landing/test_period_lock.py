"""Two runs of one period take turns; two periods do not wait for each other."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from billing_pipeline.errors import DataFolderError
from billing_pipeline.landing import period_lock
from billing_pipeline.periods import BillingPeriod

PERIOD = BillingPeriod(2026, 9)
HOLD = """
import sys
from pathlib import Path
from billing_pipeline.landing import period_lock
from billing_pipeline.periods import BillingPeriod
with period_lock(Path(sys.argv[1]), BillingPeriod(2026, 9)):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_period_lock__holder_dies__is_acquired(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with period_lock(tmp_path, PERIOD.next()):
            pass
        waits: list[float] = []

        def kill_when_waited_for(seconds: float) -> None:
            waits.append(seconds)
            holder.kill()

        with period_lock(tmp_path, PERIOD, on_wait=kill_when_waited_for):
            assert waits[0] == 0


def test_period_lock__never_freed__times_out(tmp_path: Path) -> None:
    with (
        period_lock(tmp_path, PERIOD),
        pytest.raises(DataFolderError, match="another run holds the lock"),
        period_lock(tmp_path, PERIOD, timeout=0),
    ):
        pass


def test_period_lock__stop_set__gives_up(tmp_path: Path) -> None:
    stop = threading.Event()
    with (
        period_lock(tmp_path, PERIOD),
        pytest.raises(DataFolderError, match="stopped waiting"),
        period_lock(tmp_path, PERIOD, stop=stop, on_wait=lambda _: stop.set()),
    ):
        pass
