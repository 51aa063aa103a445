"""Atomic writes, and their errors."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from billing_pipeline.errors import DataFolderError
from billing_pipeline.files import atomic_write, make_folder, output_file, remove_partial_files
from billing_pipeline.landing import period_lock
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.warehouse import WarehouseFile
from billing_pipeline_tests.landing.folders import names

WRITE_AND_DIE = """
import os, signal, sys
from pathlib import Path
from typing import Any
from billing_pipeline.files import atomic_write
with atomic_write(Path(sys.argv[1])) as file:
    file.write(b"half")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_atomic_write__block_ends__file_appears(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "file.json"
    with atomic_write(path) as file:
        file.write(b"content")
        file.flush()
        assert not path.exists()
    assert path.read_bytes() == b"content"
    assert names(path.parent) == ["file.json"]


def test_atomic_write__error_in_block__keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(b"old")

    def fail() -> None:
        with atomic_write(path) as file:
            file.write(b"new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file.json"]


def test_remove_partial_files__killed_process__removes_its_file_only(tmp_path: Path) -> None:
    path = tmp_path / "2026-09.json"
    (tmp_path / "2026-08.json").write_bytes(b"another")
    subprocess.run([sys.executable, "-c", WRITE_AND_DIE, str(path)], check=False)
    assert len(names(tmp_path)) == 2
    assert not path.exists()
    remove_partial_files(tmp_path, "2026-08.json")
    assert len(names(tmp_path)) == 2
    remove_partial_files(tmp_path, "2026-09.json")
    assert names(tmp_path) == ["2026-08.json"]


def test_atomic_write__disk_full__raises_and_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(b"old")

    def fill() -> None:
        with atomic_write(path):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(DataFolderError, match="No space left on device"):
        fill()
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file.json"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_atomic_write__folder_cannot_be_made__names_permissions() -> None:
    def write() -> None:
        with atomic_write(Path("/dev/full/folder/file.json")):
            pass

    with pytest.raises(DataFolderError, match="permissions below BILLING_DATA_DIR"):
        write()


Event = tuple[str, Path]


@pytest.fixture
def disk_calls(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """Every folder made, file renamed (its new name) and file or folder synchronised, in this order."""
    events: list[Event] = []

    def recorded(call: str, place: Callable[..., Any]) -> None:
        real = getattr(os, call)

        def record(*arguments: Any, **options: Any) -> Any:
            found = Path(place(*arguments))
            result = real(*arguments, **options)
            events.append((call, found))
            return result

        monkeypatch.setattr(os, call, record)

    recorded("mkdir", lambda path, *_: path)
    recorded("replace", lambda _, path: path)
    recorded("fsync", lambda descriptor: Path(f"/proc/self/fd/{descriptor}").readlink())
    return events


def test_atomic_write__new_folders__durable_before_the_file_appears(
    tmp_path: Path, disk_calls: list[Event]
) -> None:
    path = tmp_path / "raw" / "2026-09" / "manifest.json"

    with atomic_write(path) as file:
        file.write(b"content")

    assert_durable(disk_calls, path, new_folders=[tmp_path / "raw", path.parent])


def test_lock_then_atomic_write__new_folders__durable_before_the_file_appears(
    tmp_path: Path, disk_calls: list[Event]
) -> None:
    path = tmp_path / "data" / "requests" / "2026-09.json"

    with period_lock(tmp_path / "data", BillingPeriod(2026, 9)), atomic_write(path) as file:
        file.write(b"{}")

    assert_durable(disk_calls, path, new_folders=[tmp_path / "data", path.parent])


def test_output_file__written__durable_when_it_appears(tmp_path: Path, disk_calls: list[Event]) -> None:
    path = tmp_path / "usage.csv"

    with output_file(path) as partial:
        partial.write_text("whole")

    assert_durable(disk_calls, path, new_folders=[])


def test_warehouse_change__first__durable_when_it_appears(tmp_path: Path, disk_calls: list[Event]) -> None:
    warehouse = WarehouseFile(tmp_path / "data")

    warehouse.change(lambda connection: connection.execute("SELECT 1"))

    assert_durable(disk_calls, warehouse.path, new_folders=[tmp_path / "data"])


def assert_durable(events: list[Event], path: Path, *, new_folders: list[Path]) -> None:
    """The content before the name, every folder before the file in it, and the name at the end."""
    renamed = events.index(("replace", path))
    before, after = events[:renamed], events[renamed + 1 :]
    (content,) = (place for call, place in before if call == "fsync" and not place.is_dir())
    assert content.parent == path.parent
    assert [place for call, place in events if call == "mkdir"] == new_folders
    for folder in new_folders:
        assert before.index(("mkdir", folder)) < before.index(("fsync", folder.parent))
    assert ("fsync", path.parent) in after


def test_make_folder__filesystem_cannot_synchronise_folders__is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: int) -> None:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(os, "fsync", refuse)

    make_folder(tmp_path / "a" / "b")

    assert (tmp_path / "a" / "b").is_dir()


def test_period_lock__release_fails__error_names_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock = fcntl.flock

    def fail_to_unlock(descriptor: int, operation: int) -> None:
        if operation == fcntl.LOCK_UN:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        flock(descriptor, operation)

    with (
        pytest.raises(DataFolderError, match=r"2026-09\.lock .*Input/output error"),
        period_lock(tmp_path, BillingPeriod(2026, 9)),
    ):
        monkeypatch.setattr(fcntl, "flock", fail_to_unlock)
    monkeypatch.undo()
