"""The published file during a change: other writers are locked out or detected."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest
from filelock import FileLock

from billing_pipeline.errors import WarehouseError
from billing_pipeline.warehouse import WarehouseFile
from billing_pipeline_tests.warehouse.loader import month_of
from billing_pipeline_tests.warehouse.reports import load, query

pytestmark = pytest.mark.duckdb

_WRITE = """
import duckdb, sys
with duckdb.connect(sys.argv[1]) as connection:
    connection.execute("CREATE TABLE analyst AS SELECT 42 AS answer")
"""
_HOLD = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(flush=True); input()"
_WRITE_AND_DIE = """
import duckdb, os, sys
connection = duckdb.connect(sys.argv[1])
connection.execute("SET checkpoint_threshold = '1GB'")
connection.execute("CREATE TABLE notes AS SELECT 42 AS note")
os._exit(0)
"""


def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False, timeout=60
    )


def tables(warehouse: WarehouseFile) -> set[str]:
    return {columns["name"] for columns in query(warehouse, "SELECT table_name AS name FROM duckdb_tables()")}


def test_change__other_writer_meanwhile__is_locked_out(warehouse: WarehouseFile) -> None:
    load(warehouse, month_of(1))

    def change(connection: duckdb.DuckDBPyConnection) -> subprocess.CompletedProcess[str]:
        connection.execute("CREATE TABLE ours AS SELECT 1 AS one")
        return run(_WRITE, str(warehouse.path))

    other = warehouse.change(change)

    assert other.returncode != 0
    assert "lock" in other.stderr
    assert {"ours", "analyst"} & tables(warehouse) == {"ours"}


def test_change__file_written_meanwhile__publishes_nothing(warehouse: WarehouseFile) -> None:
    load(warehouse, month_of(1))

    def change(connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute("CREATE TABLE ours AS SELECT 1 AS one")
        # A reader in this process releases the process's locks when it closes.
        warehouse.path.open("rb").close()
        other = run(_WRITE, str(warehouse.path))
        assert other.returncode == 0, other.stderr

    with pytest.raises(WarehouseError, match="another program has written"):
        warehouse.change(change)

    assert {"ours", "analyst"} & tables(warehouse) == {"analyst"}
    load(warehouse, month_of(2))
    assert "analyst" in tables(warehouse)


def test_load__log_beside_the_file__is_refused_and_both_stay(warehouse: WarehouseFile) -> None:
    load(warehouse, month_of(1))
    assert run(_WRITE_AND_DIE, str(warehouse.path)).returncode == 0
    log = Path(f"{warehouse.path}.wal")
    before = warehouse.path.read_bytes(), log.read_bytes()

    with pytest.raises(WarehouseError, match=r"left a log of it, warehouse\.duckdb\.wal\. To keep"):
        load(warehouse, month_of(2), number=2)

    assert (warehouse.path.read_bytes(), log.read_bytes()) == before
    assert len(query(warehouse, "FROM usage")) == 3
    run("import duckdb, sys; duckdb.connect(sys.argv[1]).execute('CHECKPOINT')", str(warehouse.path))
    load(warehouse, month_of(3), number=3)
    assert query(warehouse, "FROM notes") == [{"note": 42}]


@pytest.mark.parametrize("failing", ["fsync", "release"])
def test_load__error_after_the_rename__is_no_failure(
    warehouse: WarehouseFile, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    load(warehouse, month_of(1))
    published = warehouse.path.stat().st_ino

    def fail(*_: object) -> None:
        if warehouse.path.stat().st_ino != published:
            raise OSError(errno.EIO, "Input/output error")

    target: Any = os if failing == "fsync" else FileLock
    monkeypatch.setattr(target, failing, fail)

    load(warehouse, month_of(2), number=2)

    assert query(warehouse, "SELECT DISTINCT absolute_total::INTEGER AS n FROM usage") == [{"n": 2}]


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOTSUP, errno.EPERM])
def test_load__filesystem_without_chmod_and_fsync__publishes(
    warehouse: WarehouseFile, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", unsupported)
    monkeypatch.setattr(Path, "chmod", unsupported)

    load(warehouse, month_of(1))

    assert len(query(warehouse, "FROM usage")) == 3


def test_load__fsync_fails_before_the_rename__publishes_nothing(
    warehouse: WarehouseFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(warehouse, month_of(1))

    def fail(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fail)

    with pytest.raises(WarehouseError, match="published warehouse is unchanged"):
        load(warehouse, month_of(2), number=2)

    assert query(warehouse, "SELECT DISTINCT absolute_total::INTEGER AS n FROM usage") == [{"n": 1}]


def test_open__damaged_file__says_damaged(warehouse: WarehouseFile) -> None:
    load(warehouse, month_of(1))
    sound = warehouse.path.read_bytes()
    warehouse.path.chmod(0o640)
    flipped = bytearray(sound)
    flipped[12288:] = bytes(byte ^ 0x55 for byte in sound[12288:])

    for damaged in (b"not a database" * 1000, b"", sound[:5000], bytes(flipped)):
        warehouse.path.write_bytes(damaged)
        with pytest.raises(WarehouseError, match="cannot be opened") as reading, warehouse.reading():
            pass
        with pytest.raises(WarehouseError, match="cannot be opened") as loading:
            load(warehouse, month_of(2))

        for message in (str(reading.value), str(loading.value)):
            assert "move it away" in message
            assert "run --replay" in message
            assert "Close the program" not in message


def test_open__file_held_by_a_writer__says_close_it(warehouse: WarehouseFile) -> None:
    load(warehouse, month_of(1))
    held = subprocess.Popen(
        (sys.executable, "-c", _HOLD, str(warehouse.path)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert held.stdout is not None
        held.stdout.readline()
        with pytest.raises(WarehouseError, match="Close the program"), warehouse.reading():
            pass
    finally:
        held.communicate(b"\n")


def test_query__damaged_block__says_damaged(warehouse: WarehouseFile) -> None:
    load(warehouse, month_of(1))

    with pytest.raises(WarehouseError, match="run --replay"), warehouse.reading():
        raise duckdb.Error("Corrupt database file: computed checksum 1 does not match stored checksum 2")
