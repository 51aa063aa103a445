"""Two runs of one period take turns; two periods do not wait for each other."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from billing_pipeline.errors import RawReportError
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


def test_another_process_is_waited_for_and_its_death_frees_the_lock(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with period_lock(tmp_path, PERIOD.next()):
            pass
        told: list[float] = []

        def kill_when_waited_for(seconds: float) -> None:
            told.append(seconds)
            holder.kill()

        with period_lock(tmp_path, PERIOD, on_wait=kill_when_waited_for):
            assert told[0] == 0


def test_a_lock_that_is_never_freed_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    with (
        period_lock(tmp_path, PERIOD),
        pytest.raises(RawReportError, match="another run is busy"),
        period_lock(tmp_path, PERIOD, timeout=0),
    ):
        pass


def test_waiting_can_be_stopped(tmp_path: Path) -> None:
    stop = threading.Event()
    with (
        period_lock(tmp_path, PERIOD),
        pytest.raises(RawReportError, match="stopped waiting"),
        period_lock(tmp_path, PERIOD, stop=stop, on_wait=lambda _: stop.set()),
    ):
        pass
