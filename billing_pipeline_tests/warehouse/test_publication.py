"""Readers and loaders as real processes: no blocking, no lost update, no partial state."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest

from billing_pipeline.charges import close_period, reopen_period
from billing_pipeline.errors import WarehouseError
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.warehouse import CheckResult, LoadAttempt, WarehouseFile
from billing_pipeline.warehouse.check_results import Finding
from billing_pipeline.warehouse.history import loaded_periods
from billing_pipeline_tests.harness.processes import as_nobody
from billing_pipeline_tests.warehouse.loader import month_of
from billing_pipeline_tests.warehouse.reports import SEPTEMBER, load, query, row

_LOADER = (sys.executable, "-m", "billing_pipeline_tests.warehouse.loader")
# Holds the file open, counts once, then again whenever a line comes in.
_READER = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1], read_only=True)
query = "SELECT count(*), min(absolute_total), max(absolute_total) FROM usage"
for _ in sys.stdin:
    print(connection.execute(query).fetchone(), flush=True)
"""
_WRITER = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
print("open", flush=True)
sys.stdin.readline()
"""


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def ask(reader: subprocess.Popen[str]) -> str:
    assert reader.stdin is not None
    assert reader.stdout is not None
    reader.stdin.write("\n")
    reader.stdin.flush()
    return reader.stdout.readline().strip()


def values(warehouse: WarehouseFile) -> dict[str, list[int]]:
    rows = query(warehouse, "SELECT * FROM usage ORDER BY billing_period, report_row")
    found: dict[str, list[int]] = {}
    for columns in rows:
        key = BillingPeriod.containing(columns["billing_period"]).key
        found.setdefault(key, []).append(int(columns["absolute_total"]))
    return found


def remains(warehouse: WarehouseFile) -> set[str]:
    return {path.name for path in warehouse.path.parent.iterdir()} - {"warehouse.duckdb", "warehouse.lock"}


@pytest.mark.slow
def test_read__eight_loads_meanwhile__state_stays(warehouse: WarehouseFile) -> None:
    load(warehouse, month_of(0))
    readers = []
    try:
        for number in range(1, 9):
            readers.append((number - 1, start(sys.executable, "-c", _READER, str(warehouse.path))))
            expected = f"(3, Decimal('{number - 1}.000000'), Decimal('{number - 1}.000000'))"
            assert ask(readers[-1][1]) == expected
            load(warehouse, month_of(number), number=number)
            assert values(warehouse) == {"2026-09": [number] * 3}
        for number, reader in readers:
            assert ask(reader) == f"(3, Decimal('{number}.000000'), Decimal('{number}.000000'))", (
                "a reader keeps what it opened"
            )
    finally:
        for _, reader in readers:
            reader.kill()
            reader.communicate()
    assert remains(warehouse) == set()


@pytest.mark.duckdb
@pytest.mark.kill
def test_load__two_processes_at_once__both_are_kept(warehouse: WarehouseFile) -> None:
    odd = [f"2025-{month:02d}" for month in range(1, 13, 2)]
    even = [f"2025-{month:02d}" for month in range(2, 13, 2)]

    loaders = [start(*_LOADER, str(warehouse.path.parent), *periods) for periods in (odd, even, odd)]
    endings = [(loader.communicate(timeout=120)[1], loader.returncode) for loader in loaders]

    assert endings == [("", 0)] * 3
    assert values(warehouse) == {key: [1, 1, 1] for key in sorted(odd + even)}
    history = query(warehouse, "SELECT count(*) AS loads FROM load_history WHERE outcome = 'loaded'")
    assert history == [{"loads": 18}]


@pytest.mark.duckdb
@pytest.mark.kill
def test_load__killed_at_any_moment__old_or_new_state(warehouse: WarehouseFile) -> None:
    load(warehouse, month_of(0))
    for trial in range(12):
        before = values(warehouse)["2026-09"][0]
        loader = start(
            *_LOADER, str(warehouse.path.parent), "2026-09", "--value", str(before + 1), "--until-killed"
        )
        assert loader.stdout is not None
        loader.stdout.readline()
        time.sleep(0.017 * trial)
        loader.send_signal(signal.SIGKILL)
        lines = loader.communicate()[0].split("\n")
        last_seen = max([before + 1, *(int(line.split()[1]) for line in lines if line)])

        found = values(warehouse)["2026-09"]

        assert len(found) == 3
        assert len(set(found)) == 1
        assert found[0] in (last_seen, last_seen + 1)
    load(warehouse, month_of(10_000))
    assert values(warehouse) == {"2026-09": [10_000] * 3}
    assert remains(warehouse) == set()


def test_load__leftovers_of_a_killed_load__are_removed(warehouse: WarehouseFile) -> None:
    load(warehouse, month_of(1))
    folder = warehouse.path.parent
    left = folder / "warehouse.duckdb.next"
    left.write_bytes(warehouse.path.read_bytes())
    left_a_log(left, "CREATE TABLE ghost AS SELECT 1 AS one")
    assert left.with_name("warehouse.duckdb.next.wal").exists()
    (folder / "warehouse.tmp").mkdir()
    (folder / "warehouse.tmp" / "spilled").write_bytes(b"rows")

    load(warehouse, month_of(2))

    assert values(warehouse) == {"2026-09": [2] * 3}
    assert query(warehouse, "FROM duckdb_tables() SELECT table_name WHERE table_name = 'ghost'") == []
    assert remains(warehouse) == set()


def left_a_log(path: Path, statement: str) -> None:
    """Write to a database in a process that ends before a checkpoint."""
    code = (
        "import duckdb, os, sys; c = duckdb.connect(sys.argv[1]);"
        "c.execute('SET checkpoint_threshold = \\'1GB\\''); c.execute(sys.argv[2]); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", code, str(path), statement], check=True)


def test_change__work_fails__publishes_nothing(warehouse: WarehouseFile) -> None:
    load(warehouse, month_of(1))
    before = warehouse.path.read_bytes()

    with pytest.raises(duckdb.BinderException):
        warehouse.change(lambda found: found.execute("DELETE FROM usage; SELECT nonsense FROM usage"))

    assert warehouse.path.read_bytes() == before
    assert remains(warehouse) == set()


def test_change__within_a_change__is_refused(warehouse: WarehouseFile) -> None:
    def change(connection: duckdb.DuckDBPyConnection) -> None:
        with pytest.raises(WarehouseError, match="this thread is changing"):
            warehouse.change(lambda _: None)
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")

    warehouse.change(change)

    assert query(warehouse, "FROM kept") == [{"one": 1}]


def test_load__file_open_for_writing__names_the_process(
    warehouse: WarehouseFile,
) -> None:
    load(warehouse, month_of(1))
    writer = start(sys.executable, "-c", _WRITER, str(warehouse.path))
    try:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "open\n"

        with pytest.raises(WarehouseError) as caught:
            load(warehouse, month_of(2))

        assert str(writer.pid) in str(caught.value)
        assert "open for writing" in str(caught.value)
    finally:
        writer.communicate("\n")
    load(warehouse, month_of(3))
    assert values(warehouse) == {"2026-09": [3] * 3}


def test_load__published_file__is_not_writable(warehouse: WarehouseFile) -> None:
    load(warehouse, month_of(1))
    warehouse.path.chmod(0o640)

    load(warehouse, month_of(2))

    assert warehouse.path.stat().st_mode & 0o777 == 0o440


@pytest.mark.skipif(os.getuid() != 0, reason="gives up root's rights")
def test_open__read_write_by_another_user__is_denied(warehouse: WarehouseFile) -> None:
    load(warehouse, month_of(1))

    def rows(*, read_only: bool) -> object:
        with duckdb.connect(str(warehouse.path), read_only=read_only) as connection:
            return connection.execute("SELECT count(*) FROM usage").fetchone()

    assert as_nobody(warehouse.path.parent, lambda: rows(read_only=True)) == "(3,)"
    assert "Permission denied" in as_nobody(warehouse.path.parent, lambda: rows(read_only=False))


@pytest.mark.skipif(os.getuid() != 0, reason="gives up root's rights")
def test_load__folder_not_writable__is_named(warehouse: WarehouseFile) -> None:
    load(warehouse, month_of(1))

    message = as_nobody(
        warehouse.path.parent, lambda: load(WarehouseFile(warehouse.path.parent), month_of(2))
    )

    assert message.startswith("WarehouseError: the warehouse could not be changed")
    assert "Permission denied" in message
    assert values(warehouse) == {"2026-09": [1] * 3}


_FULL_DISK = """
import resource, sys
from pathlib import Path
from billing_pipeline.warehouse import WarehouseFile
from billing_pipeline.errors import WarehouseError
from billing_pipeline_tests.warehouse.reports import load, row
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
rows = [row(offering_item=f"item {n}", tenant_name="x" * 5000 + str(n)) for n in range(800)]
try:
    load(WarehouseFile(Path(sys.argv[1])), rows)
except WarehouseError as error:
    print("refused:", error)
"""


@pytest.mark.slow
@pytest.mark.parametrize("more_bytes", [-200_000, 1, 300_000, 600_000])
def test_load__disk_full__changes_nothing(warehouse: WarehouseFile, more_bytes: int) -> None:
    load(warehouse, month_of(1))
    before = warehouse.path.read_bytes()
    limit = len(before) + more_bytes

    done = subprocess.run(
        [sys.executable, "-c", _FULL_DISK, str(warehouse.path.parent), str(limit)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.stdout.startswith("refused: "), done.stderr
    assert "could not be changed" in done.stdout
    assert warehouse.path.read_bytes() == before
    assert remains(warehouse) == set()


def test_read__no_warehouse__says_so(warehouse: WarehouseFile) -> None:
    with pytest.raises(WarehouseError, match="there is no warehouse"), warehouse.reading():
        pass


def test_open__not_a_database__is_refused(warehouse: WarehouseFile) -> None:
    warehouse.path.parent.mkdir()
    warehouse.path.write_bytes(b"not a database" * 1000)

    with pytest.raises(WarehouseError, match="cannot be opened"), warehouse.reading():
        pass
    with pytest.raises(WarehouseError, match="cannot be opened"):
        load(warehouse, month_of(1))
    assert warehouse.path.read_bytes() == b"not a database" * 1000


@pytest.mark.duckdb
def test_views__attached_under_another_name__work(warehouse: WarehouseFile, tmp_path: Path) -> None:
    load(warehouse, month_of(1))
    copy = tmp_path / "for the auditor.duckdb"
    copy.write_bytes(warehouse.path.read_bytes())

    with duckdb.connect(":memory:") as connection:
        connection.execute(f"ATTACH '{copy}' AS audit (READ_ONLY)")
        found = connection.execute("SELECT sum(quantity) FROM audit.billable_usage").fetchone()

    assert found == (3,)
    assert values(warehouse) == {SEPTEMBER.key: [1] * 3}


def failed(reason: str) -> LoadAttempt:
    stopped = CheckResult.from_findings("totals", [Finding("one row", 1)], severity="stop")
    return LoadAttempt(
        period=SEPTEMBER, account="default", outcome="failed", reason=reason, run_id="x", checks=(stopped,)
    )


@pytest.mark.duckdb
def test_record_failure__published_warehouse__visible_without_a_copy_of_the_file(
    warehouse: WarehouseFile,
) -> None:
    load(warehouse, [row()])
    published = warehouse.path.stat()
    (loaded,) = query(warehouse, "SELECT count(*) AS n FROM load_checks")

    warehouse.record_failure(failed("no network"))
    warehouse.record_failure(failed("no network again"))

    now = warehouse.path.stat()
    assert (now.st_ino, now.st_mtime_ns) == (published.st_ino, published.st_mtime_ns)
    history = "SELECT outcome, reason FROM load_history ORDER BY recorded_at"
    expected = [
        {"outcome": "loaded", "reason": None},
        {"outcome": "failed", "reason": "no network"},
        {"outcome": "failed", "reason": "no network again"},
    ]
    assert query(warehouse, history) == expected
    # A view sees the attempt, too.
    assert query(warehouse, "SELECT check_name FROM latest_load_checks") == [{"check_name": "totals"}]
    assert next(iter(loaded_periods(warehouse).values())).last_reason == "no network again"

    close_period(warehouse, SEPTEMBER)

    assert list(warehouse.path.with_name("warehouse.attempts").iterdir()) == []
    assert query(warehouse, history) == expected
    assert query(warehouse, "SELECT count(*) AS n FROM load_checks") == [{"n": loaded["n"] + 2}]
    assert [(name, database) for name, database in query_tables(warehouse)] == [("load_history", "warehouse")]


def query_tables(warehouse: WarehouseFile) -> list[tuple[Any, ...]]:
    found = query(
        warehouse,
        "SELECT table_name, database_name FROM duckdb_tables() WHERE table_name = 'load_history'",
    )
    return [tuple(each.values()) for each in found]


def test_record_failure__change_killed_before_it_removed_the_file__recorded_once(
    warehouse: WarehouseFile, tmp_path: Path
) -> None:
    load(warehouse, [row()])
    warehouse.record_failure(failed("no network"))
    folder = warehouse.path.with_name("warehouse.attempts")
    kept = shutil.copytree(folder, tmp_path / "kept")
    close_period(warehouse, SEPTEMBER)
    shutil.copytree(kept, folder, dirs_exist_ok=True)

    failures = "SELECT count(*) AS n FROM load_history WHERE outcome = 'failed'"
    assert query(warehouse, failures) == [{"n": 1}]

    reopen_period(warehouse, SEPTEMBER)

    assert query(warehouse, failures) == [{"n": 1}]
    assert list(folder.iterdir()) == []
