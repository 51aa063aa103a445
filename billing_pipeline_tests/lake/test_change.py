"""Changes of a lake are serialised: every month whole, none twice, readers undisturbed."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

import billing_pipeline
from billing_pipeline.charges import close_period
from billing_pipeline.errors import PeriodClosedError, WarehouseError
from billing_pipeline.lake import catalogue as catalogue_module
from billing_pipeline.lake.catalogue import Catalogue
from billing_pipeline.lake.lake import Lake
from billing_pipeline.loading.checks import LoadStoppedError
from billing_pipeline.loading.replace import replace_period
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.reports import ControlTotals
from billing_pipeline.warehouse import Warehouse
from billing_pipeline_tests.lake.conftest import LakePlace
from billing_pipeline_tests.warehouse.loader import month_of
from billing_pipeline_tests.warehouse.reports import SEPTEMBER, Report, attempt, load, query, row

MONTHS = [BillingPeriod(2026, month) for month in (7, 8, 9)]
_ROWS = """
    SELECT strftime(billing_period, '%Y-%m') AS period, count(*) AS n, count(DISTINCT report_id) AS reports,
        min(absolute_production)::INT AS value, max(absolute_production)::INT AS highest
    FROM usage GROUP BY ALL ORDER BY ALL
"""


class InterruptedReport(Report):
    """A report in the middle of whose load, its rows written and not committed, something happens."""

    def __init__(self, rows: list[dict[str, Any]], meanwhile: Callable[[], object]):
        super().__init__(rows, SEPTEMBER)
        self._meanwhile = meanwhile

    def control_totals(self) -> ControlTotals:
        self._meanwhile()
        return super().control_totals()


def load_interrupted(warehouse: Warehouse, value: int, meanwhile: Callable[[], object]) -> None:
    report = InterruptedReport(month_of(value), meanwhile)
    replace_period(warehouse, report, attempt(report, number=value), cross_check_mode="off")


def whole(value: int, period: str = "2026-09") -> dict[str, Any]:
    return {"period": period, "n": 3, "reports": 1, "value": value, "highest": value}


def await_another_waiting_for_the_lock(place: LakePlace) -> None:
    """Return as soon as a change beside the one in progress has failed to get the lock."""
    sessions = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_try_advisory_lock(%'"
    deadline = time.monotonic() + 60
    while place.server.query(sessions, database=place.database) != [["2"]]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("before", [None, 5], ids=["first load", "loaded before"])
def test_change__month_loaded_twice_at_once__second_restates_first(
    warehouse: Warehouse, place: LakePlace, before: int | None
) -> None:
    load(warehouse, month_of(1), MONTHS[0])  # so that the lake exists
    if before is not None:
        load(warehouse, month_of(before), number=before)

    with ThreadPoolExecutor() as threads:

        def load_another() -> None:
            threads.submit(load, warehouse, month_of(2), number=2)
            await_another_waiting_for_the_lock(place)

        load_interrupted(warehouse, 1, load_another)

    assert query(warehouse, _ROWS) == [whole(1, "2026-07"), whole(2)]
    history = query(
        warehouse,
        "SELECT count(*) AS n, last(restated_keys ORDER BY recorded_at) AS restated_keys"
        " FROM load_history WHERE billing_period = '2026-09-01'",
    )
    assert history == [{"n": 2 if before is None else 3, "restated_keys": 3}]


def run_loaders(*arguments: tuple[str, ...]) -> list[tuple[str, int]]:
    """Loaders as processes of their own, all at once."""
    loaders = [
        subprocess.Popen(
            [sys.executable, "-m", "billing_pipeline_tests.warehouse.loader", *each],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for each in arguments
    ]
    return [(process.communicate()[1], process.returncode) for process in loaders]


def test_change__three_processes_at_once__every_month_whole(warehouse: Warehouse, tmp_path: Path) -> None:
    for period in MONTHS:
        load(warehouse, month_of(1), period)

    ended = run_loaders(*((str(tmp_path / month.key), month.key, "--value", "2") for month in MONTHS))

    assert ended == [("", 0)] * 3
    assert query(warehouse, _ROWS) == [whole(2, period.key) for period in MONTHS]
    assert query(warehouse, "SELECT count(*) AS n FROM load_history") == [{"n": 6}]


def test_change__four_processes_on_an_empty_lake__every_month_whole(
    new_lake: Warehouse, tmp_path: Path
) -> None:
    periods = [BillingPeriod(2026, month) for month in (4, 5, 6, 7)]

    assert run_loaders(*((str(tmp_path / key), key) for key in map(str, periods))) == [("", 0)] * 4
    assert query(new_lake, _ROWS) == [whole(1, period.key) for period in periods]


def test_change__month_closed_during_its_load__closed_with_new_rows(
    warehouse: Warehouse, place: LakePlace
) -> None:
    load(warehouse, month_of(1), number=1)

    with ThreadPoolExecutor() as threads:

        def close() -> None:
            threads.submit(close_period, warehouse, SEPTEMBER, note="invoiced")
            await_another_waiting_for_the_lock(place)

        load_interrupted(warehouse, 2, close)

    assert query(warehouse, _ROWS) == [whole(2)]
    with pytest.raises(PeriodClosedError, match="invoiced"):
        load(warehouse, month_of(3), number=3)


def test_change__month_loaded_during_its_closing__load_refused(
    warehouse: Warehouse, place: LakePlace
) -> None:
    load(warehouse, month_of(1), number=1)

    with ThreadPoolExecutor() as threads:

        def close(connection: duckdb.DuckDBPyConnection) -> Any:
            loading = threads.submit(load, warehouse, month_of(2), number=2)
            await_another_waiting_for_the_lock(place)
            connection.execute(
                "INSERT INTO period_closing (billing_period, action, acted_at, note)"
                " VALUES ('2026-09-01', 'closed', now(), 'invoiced')"
            )
            return loading

        loading = warehouse.change(close)

    with pytest.raises(PeriodClosedError, match="invoiced"):
        loading.result()
    assert query(warehouse, _ROWS) == [whole(1)]


def test_change__other_program_changed_first__one_line_and_no_change(warehouse: Warehouse) -> None:
    load(warehouse, month_of(1))
    assert isinstance(warehouse, Lake)

    def come_second(connection: duckdb.DuckDBPyConnection) -> None:
        with warehouse.session() as foreign:
            warehouse.attach(foreign, "lake")
            foreign.execute("UPDATE lake.usage SET absolute_production = 7")
        connection.execute("DELETE FROM usage")

    with pytest.raises(WarehouseError, match="another program changed the lake at the same time") as failed:
        warehouse.change(come_second)

    assert "Nothing was changed" in str(failed.value)
    assert query(warehouse, _ROWS) == [whole(7)]


def test_change__lock_lost__nothing_committed(warehouse: Warehouse, place: LakePlace) -> None:
    load(warehouse, month_of(1))

    def lose_the_lock(connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute("DELETE FROM usage")
        place.server.query(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'",
            database=place.database,
        )

    with pytest.raises(WarehouseError, match=r"cannot be used: (server closed|terminating)"):
        warehouse.change(lose_the_lock)

    assert query(warehouse, _ROWS) == [whole(1)]


def test_change__lock_held_by_others_for_an_hour__one_line(
    warehouse: Warehouse, place: LakePlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(warehouse, month_of(1))
    monkeypatch.setattr(catalogue_module, "_MAX_WAIT_SECONDS", 0)

    with (
        Catalogue.parse(place.server.connection_string(place.database)).locked(),
        pytest.raises(WarehouseError, match=r"have held its lock for an hour\. .*pg_locks"),
    ):
        load(warehouse, month_of(2), number=2)

    load(warehouse, month_of(2), number=2)
    assert query(warehouse, _ROWS) == [whole(2)]


def test_reading__during_a_load__same_rows_and_no_wait(warehouse: Warehouse) -> None:
    load(warehouse, month_of(1), number=1)
    seen = []

    def look() -> None:
        seen.append(query(warehouse, _ROWS))

    with warehouse.reading() as reader:
        before = reader.execute(_ROWS).fetchall()
        load_interrupted(warehouse, 2, look)
        assert reader.execute(_ROWS).fetchall() == before

    assert seen == [[whole(1)]]
    assert query(warehouse, _ROWS) == [whole(2)]


def test_change__check_stops_it__no_file_left(warehouse: Warehouse, place: LakePlace) -> None:
    load(warehouse, month_of(1), number=1)
    files = {path for path in Path(place.data_path).rglob("*") if path.is_file()}

    with pytest.raises(LoadStoppedError):
        load(warehouse, [*month_of(2), month_of(2)[0]], number=2)

    assert query(warehouse, _ROWS) == [whole(1)]
    assert {path for path in Path(place.data_path).rglob("*") if path.is_file()} == files


def test_change__three_months__a_folder_each(warehouse: Warehouse, place: LakePlace) -> None:
    for period in MONTHS:
        load(warehouse, month_of(1), period)

    folders = {path.parent.name for path in Path(place.data_path).rglob("usage/**/*.parquet")}
    assert folders == {f"billing_period={period.start}" for period in MONTHS}


def test_change__views_of_an_earlier_version__renewed(warehouse: Warehouse) -> None:
    load(warehouse, month_of(1), number=1)

    def make_it_earlier(connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute("DROP VIEW sku_totals")
        connection.execute("UPDATE schema_version SET fingerprint = 'earlier'")

    warehouse.change(make_it_earlier)

    load(warehouse, month_of(2), number=2)

    assert query(warehouse, _ROWS) == [whole(2)]
    assert query(warehouse, "SELECT count(*) > 0 AS found FROM sku_totals") == [{"found": True}]


def test_change__lake_of_an_earlier_version__months_keep_their_rule(warehouse: Warehouse) -> None:
    notarizations = row(
        offering_item="notarizations", is_range=True, absolute_production=40, delta_production=7
    )
    load(warehouse, [notarizations], BillingPeriod(2026, 8))

    def as_before(connection: duckdb.DuckDBPyConnection) -> None:
        # Views first: they read the column.
        views = connection.execute(
            "SELECT view_name FROM duckdb_views() WHERE database_name = 'warehouse' AND NOT internal"
        ).fetchall()
        for (name,) in views:
            connection.execute(f"DROP VIEW {name}")
        connection.execute("ALTER TABLE load_history DROP COLUMN delta_items")
        connection.execute("UPDATE schema_version SET fingerprint = 'earlier'")

    warehouse.change(as_before)
    load(warehouse, [notarizations], number=2, delta_items="compute_points")

    found = query(
        warehouse, "SELECT quantity::INTEGER AS quantity FROM billable_usage ORDER BY billing_period"
    )
    assert [each["quantity"] for each in found] == [7, 40]


def test_connect__lake__reads_the_latest_load_and_changes_nothing(warehouse: Lake) -> None:
    load(warehouse, [row(absolute_production=1)], number=9)

    with billing_pipeline.connect() as connection:
        with pytest.raises(duckdb.CatalogException):
            connection.sql("FROM no_such_table")
        with pytest.raises(duckdb.InvalidInputException, match="read-only"):
            connection.execute("DELETE FROM usage")
        assert connection.sql("SELECT count(*) FROM usage").fetchall() == [(1,)]
        load(warehouse, [row(), row(sku="OTHER")], number=10)
        assert connection.sql("SELECT count(*) FROM usage").fetchall() == [(2,)]


def test_read__lake__decimals_are_exact(warehouse: Lake) -> None:
    no_float = Decimal("9999999999999.000001")
    load(warehouse, [row(absolute_production=no_float)], number=9)

    frame = billing_pipeline.read("billable_usage", period="2026-09")

    assert Decimal(float(no_float)) != no_float
    assert list(frame["quantity"]) == [no_float]
    assert list(frame["usage_rows"]) == [1]
