"""Loads into a lake that meet each other: every month whole, none twice, and the guards hold."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from billing_pipeline.connection_string import ConnectionString
from billing_pipeline.errors import PeriodClosedError, WarehouseError
from billing_pipeline.loading.checks import LoadStoppedError
from billing_pipeline.loading.replace import replace_period
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.reports import ControlTotals
from billing_pipeline.settings import LakeSettings
from billing_pipeline.warehouse import Warehouse, close_period
from billing_pipeline.warehouse.lake_connection import LakeConnections
from billing_pipeline_tests.lake.conftest import LakePlace
from billing_pipeline_tests.warehouse.loader import month_of
from billing_pipeline_tests.warehouse.reports import SEPTEMBER, Report, attempt, load, query

MONTHS = [BillingPeriod(2026, month) for month in (7, 8, 9)]
_ROWS = """
    SELECT strftime(billing_period, '%Y-%m') AS period, count(*) AS n, count(DISTINCT report_id) AS reports,
        min(absolute_production)::INT AS value, max(absolute_production)::INT AS highest
    FROM usage GROUP BY ALL ORDER BY ALL
"""


class Interrupted(Report):
    """A report in the middle of whose first load, its rows written and not committed, something happens."""

    def __init__(
        self, rows: list[dict[str, Any]], meanwhile: Callable[[], object], period: BillingPeriod = SEPTEMBER
    ):
        super().__init__(rows, period)
        self._meanwhile: Callable[[], object] | None = meanwhile

    def control_totals(self) -> ControlTotals:
        meanwhile, self._meanwhile = self._meanwhile, None
        if meanwhile is not None:
            meanwhile()
        return super().control_totals()


def load_interrupted(warehouse: Warehouse, report: Report, number: int) -> None:
    replace_period(warehouse, report, attempt(report, number=number), cross_check_mode="off")


def whole(value: int, period: str = "2026-09") -> dict[str, Any]:
    return {"period": period, "n": 3, "reports": 1, "value": value, "highest": value}


@pytest.mark.parametrize("before", [None, 5], ids=["first load", "loaded before"])
def test_of_two_loads_of_a_month_at_once_one_is_there(warehouse: Warehouse, before: int | None) -> None:
    load(warehouse, month_of(1), MONTHS[0])  # so that the lake is there
    if before is not None:
        load(warehouse, month_of(before), number=before)
    report = Interrupted(month_of(1), lambda: load(warehouse, month_of(2), number=2))

    load_interrupted(warehouse, report, number=1)

    assert query(warehouse, _ROWS) == [whole(1, "2026-07"), whole(1)]
    # The one that came second replaced the first one's rows, and says so.
    restated = query(
        warehouse,
        "SELECT last(restated_keys ORDER BY recorded_at) AS restated_keys FROM load_history"
        " WHERE billing_period = '2026-09-01'",
    )
    assert restated == [{"restated_keys": 3}]
    assert query(warehouse, "SELECT count(*) AS n FROM load_history WHERE billing_period = '2026-09-01'") == [
        {"n": 2 if before is None else 3}
    ]


def test_three_processes_replace_different_months_at_once(
    warehouse: Warehouse, place: LakePlace, tmp_path: Path
) -> None:
    for period in MONTHS:
        load(warehouse, month_of(1), period)

    loaders = [
        subprocess.Popen(
            [
                *(sys.executable, "-m", "billing_pipeline_tests.warehouse.loader"),
                *(str(tmp_path / period.key), period.key, "--value", "2"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for period in MONTHS
    ]

    assert [(process.communicate()[1], process.returncode) for process in loaders] == [("", 0)] * 3
    assert query(warehouse, _ROWS) == [whole(2, period.key) for period in MONTHS]


def test_what_met_another_change_is_done_again(warehouse: Warehouse) -> None:
    for period in MONTHS:
        load(warehouse, month_of(1), period)
    all_written = threading.Barrier(len(MONTHS), timeout=120)
    reports = [Interrupted(month_of(2), all_written.wait, period) for period in MONTHS]

    with ThreadPoolExecutor() as threads:
        list(threads.map(lambda report: load_interrupted(warehouse, report, number=2), reports))

    assert query(warehouse, _ROWS) == [whole(2, period.key) for period in MONTHS]
    assert query(warehouse, "SELECT count(*) AS n FROM load_history") == [{"n": 6}]


def test_a_month_that_is_closed_while_it_is_loaded_stays_as_it_was(warehouse: Warehouse) -> None:
    load(warehouse, month_of(1), number=1)
    report = Interrupted(month_of(2), lambda: close_period(warehouse, SEPTEMBER, note="invoiced"))

    with pytest.raises(PeriodClosedError, match="invoiced"):
        load_interrupted(warehouse, report, number=2)

    assert query(warehouse, _ROWS) == [whole(1)]


def test_a_check_that_stops_stops_what_is_done_again(warehouse: Warehouse) -> None:
    load(warehouse, month_of(1), number=1)
    report = Interrupted(month_of(2), lambda: load(warehouse, month_of(3), number=3))
    report.totals = ControlTotals(4, {})

    with pytest.raises(LoadStoppedError, match="control_totals"):
        load_interrupted(warehouse, report, number=2)

    assert query(warehouse, _ROWS) == [whole(3)]


def test_a_change_that_others_always_come_before_is_given_up(
    warehouse: Warehouse, place: LakePlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(warehouse, month_of(1))
    monkeypatch.setattr("time.sleep", lambda _: None)
    other = iter(range(1, 100))
    connections = LakeConnections(
        ConnectionString.parse(place.connection_string), LakeSettings.load(), tmp_path
    )

    def come_first(_: object) -> None:
        # A program that waits for no turn.
        with connections.open() as foreign:
            connections.attach(foreign, "lake")
            foreign.execute(f'CREATE OR REPLACE VIEW lake.last_change."2026-09" AS SELECT {next(other)}')

    with pytest.raises(WarehouseError) as given_up:
        warehouse.change("2026-09", "never", come_first)

    assert "2026-09 was tried 8 times" in str(given_up.value)
    assert "Nothing was changed" in str(given_up.value)
    assert next(other) == 9
    assert query(warehouse, _ROWS) == [whole(1)]


def test_several_workers_start_on_an_empty_lake_at_once(warehouse: Warehouse, tmp_path: Path) -> None:
    periods = [BillingPeriod(2026, month) for month in (4, 5, 6, 7)]
    loaders = [
        subprocess.Popen(
            [sys.executable, "-m", "billing_pipeline_tests.warehouse.loader", str(tmp_path / key), key],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for key in map(str, periods)
    ]

    assert [(process.communicate()[1], process.returncode) for process in loaders] == [("", 0)] * len(periods)
    assert query(warehouse, _ROWS) == [whole(1, period.key) for period in periods]


def test_readers_keep_what_they_began_with_and_wait_for_nobody(warehouse: Warehouse) -> None:
    load(warehouse, month_of(1), number=1)
    seen = []

    def look() -> None:
        seen.append(query(warehouse, _ROWS))

    with warehouse.reading() as reader:
        before = reader.execute(_ROWS).fetchall()
        load_interrupted(warehouse, Interrupted(month_of(2), look), number=2)
        assert reader.execute(_ROWS).fetchall() == before

    assert seen == [[whole(1)]]
    assert query(warehouse, _ROWS) == [whole(2)]


def test_a_failed_change_leaves_nothing(warehouse: Warehouse, place: LakePlace) -> None:
    load(warehouse, month_of(1), number=1)
    files = {path for path in Path(place.data_path).rglob("*") if path.is_file()}

    with pytest.raises(LoadStoppedError):
        load(warehouse, [*month_of(2), month_of(2)[0]], number=2)

    assert query(warehouse, _ROWS) == [whole(1)]
    assert {path for path in Path(place.data_path).rglob("*") if path.is_file()} == files


def test_a_month_has_a_folder_of_its_own(warehouse: Warehouse, place: LakePlace) -> None:
    for period in MONTHS:
        load(warehouse, month_of(1), period)

    folders = {path.parent.name for path in Path(place.data_path).rglob("usage/**/*.parquet")}
    assert folders == {f"billing_period={period.start}" for period in MONTHS}
