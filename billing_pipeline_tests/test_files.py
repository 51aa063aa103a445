"""Atomic writes, and their errors."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from billing_pipeline.errors import DataFolderError
from billing_pipeline.files import atomic_write, remove_partial_files
from billing_pipeline_tests.landing.folders import names

WRITE_AND_DIE = """
import os, signal, sys
from pathlib import Path
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
