"""No more at once than there are slots, in whatever processes, and none is lost with a process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from billing_pipeline.errors import RawReportError
from billing_pipeline.landing.slots import Slot

HOLD = """
import sys
from pathlib import Path
from billing_pipeline.landing.slots import Slot
with Slot(Path(sys.argv[1]), "download", 2):
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


def test_one_too_many_waits_until_another_process_dies(tmp_path: Path) -> None:
    with holder(tmp_path) as first, holder(tmp_path) as second:
        told: list[float] = []

        def kill_when_waited_for(seconds: float) -> None:
            told.append(seconds)
            first.kill()

        with Slot(tmp_path, "download", 2, on_wait=kill_when_waited_for):
            assert len(told) == 1
            assert first.wait() != 0
            assert second.poll() is None
        second.kill()


def test_slots_of_another_name_are_others(tmp_path: Path) -> None:
    with Slot(tmp_path, "download", 1), Slot(tmp_path, "open-report", 1):
        pass


def test_what_is_held_is_taken_once(tmp_path: Path) -> None:
    slot = Slot(tmp_path, "download", 1)
    slot.take()
    slot.take()
    slot.release()
    with Slot(tmp_path, "download", 1, on_wait=lambda _: pytest.fail("it was not released")):
        pass
    slot.release()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "slots").write_text("in the way")
    with pytest.raises(RawReportError, match="slots"):
        Slot(tmp_path, "download", 1).take()
