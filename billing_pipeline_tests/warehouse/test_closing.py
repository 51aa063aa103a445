"""Closed periods are replaced only by a forced, recorded load."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from billing_pipeline.charges import close_period, reopen_period
from billing_pipeline.cli import main as billing_pipeline
from billing_pipeline.errors import PeriodClosedError, WarehouseError
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.warehouse import Warehouse, WarehouseFile, require_open
from billing_pipeline.warehouse.freshness import due_at, overdue_periods
from billing_pipeline_tests.warehouse.reports import SEPTEMBER, load, load_unchecked, query, row


def value(warehouse: Warehouse) -> int:
    (found,) = query(warehouse, "SELECT absolute_total FROM usage")
    return int(found["absolute_total"])


@pytest.fixture
def closed(warehouse: Warehouse) -> Warehouse:
    load_unchecked(warehouse, [row(absolute_production=1)])
    close_period(warehouse, SEPTEMBER, note="invoices 4711–4790")
    return warehouse


def test_load__closed_period__is_refused_with_reason(closed: Warehouse) -> None:
    with pytest.raises(PeriodClosedError) as caught:
        load(closed, [row(absolute_production=2)], number=2)

    assert "2026-09" in str(caught.value)
    assert "(invoices 4711–4790)" in str(caught.value)
    assert "reopen --period 2026-09" in str(caught.value)
    assert "run --period 2026-09 --force" in str(caught.value)
    assert value(closed) == 1


def test_require_open__closed_period__raises(closed: Warehouse) -> None:
    with pytest.raises(PeriodClosedError, match="was closed on"):
        require_open(closed, SEPTEMBER)
    require_open(closed, SEPTEMBER.previous())


def test_load__closed_period_forced__is_recorded(closed: Warehouse) -> None:
    load(closed, [row(absolute_production=2)], number=2, forced=True)

    assert value(closed) == 2
    forced = query(closed, "SELECT forced, restated_keys FROM load_history ORDER BY recorded_at")
    assert forced == [{"forced": False, "restated_keys": None}, {"forced": True, "restated_keys": 1}]
    with pytest.raises(PeriodClosedError):
        load(closed, [row(absolute_production=3)], number=3)


def test_load__reopened_period__replaces(closed: Warehouse) -> None:
    reopen_period(closed, SEPTEMBER, note="credit note")

    load(closed, [row(absolute_production=2)], number=2)

    assert value(closed) == 2
    acts = query(closed, "SELECT action, note FROM period_closing ORDER BY acted_at")
    assert acts == [
        {"action": "closed", "note": "invoices 4711–4790"},
        {"action": "reopened", "note": "credit note"},
    ]
    assert query(closed, "FROM closed_period") == []
    close_period(closed, SEPTEMBER)
    assert len(query(closed, "FROM closed_period")) == 1


def test_closing__clock_set_back__last_act_counts(closed: Warehouse) -> None:
    reopen_period(closed, SEPTEMBER)
    recorded_ahead(closed, "period_closing", "acted_at")

    close_period(closed, SEPTEMBER)

    assert len(query(closed, "FROM closed_period")) == 1
    with pytest.raises(PeriodClosedError):
        load(closed, [row(absolute_production=2)], number=2)


def test_history__clock_set_back__last_load_counts(warehouse: Warehouse) -> None:
    load(warehouse, [row(offering_item="unheard_of")])
    recorded_ahead(warehouse, "load_history", "recorded_at")
    recorded_ahead(warehouse, "load_checks", "checked_at")

    load(warehouse, [row()], number=2)

    loaded = "SELECT report_id = (SELECT any_value(report_id) FROM usage) AS same FROM loaded_report"
    assert query(warehouse, loaded) == [{"same": True}]
    checked = "SELECT passed FROM latest_load_checks WHERE check_name = 'unknown_offering_items'"
    assert query(warehouse, checked) == [{"passed": True}]


def recorded_ahead(warehouse: Warehouse, table: str, column: str) -> None:
    """Move the recorded times two days ahead, as after setting the clock back."""
    ahead = f"UPDATE {table} SET {column} = {column} + INTERVAL 2 DAYS"
    warehouse.change(lambda connection: connection.execute(ahead))


def test_close__account_missing__is_refused(
    warehouse: WarehouseFile,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    load(warehouse, [row()])
    monkeypatch.setenv("BILLING_DATA_DIR", str(warehouse.path.parent))
    monkeypatch.setenv("BILLING_ACCOUNTS", "default,us")

    assert billing_pipeline(["status"]) == 0
    assert "us  was never requested or loaded" in capsys.readouterr().out
    for command in ("export", "report"):
        assert billing_pipeline([command, "--period", "2026-09", "--output", str(tmp_path / command)]) == 0
        assert "2026-09 lacks the usage of us, which is not loaded" in capsys.readouterr().err
    assert billing_pipeline(["close", "--period", "2026-09"]) != 0
    assert "2026-09: the usage of us is not loaded" in capsys.readouterr().err
    assert billing_pipeline(["close", "--period", "2026-09", "--force", "--note", "run 1\x1b[2J\n7"]) == 0

    assert query(warehouse, "SELECT note FROM closed_period") == [{"note": "run 1 [2J 7"}]


def test_close__one_period__others_stay_open(closed: Warehouse) -> None:
    load(closed, [row(absolute_production=5)], SEPTEMBER.next(), number=2)


def test_close_and_reopen__wrong_state__is_refused(closed: Warehouse) -> None:
    with pytest.raises(PeriodClosedError):
        close_period(closed, SEPTEMBER)
    with pytest.raises(WarehouseError, match="2026-10: the period is not loaded"):
        close_period(closed, SEPTEMBER.next())
    with pytest.raises(WarehouseError, match="2026-10: the period is not closed"):
        reopen_period(closed, SEPTEMBER.next())


def test_due_at__closed_month__is_day_3() -> None:
    assert due_at(BillingPeriod(2026, 9)) == datetime(2026, 10, 3, 7, tzinfo=UTC)
    assert due_at(BillingPeriod(2026, 12)) == datetime(2027, 1, 3, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("loaded", "now", "overdue"),
    [
        ([], datetime(2026, 10, 3, 6, 59, tzinfo=UTC), []),
        ([], datetime(2026, 10, 3, 7, 0, tzinfo=UTC), ["2026-09"]),
        (["2026-09"], datetime(2026, 10, 3, 7, 0, tzinfo=UTC), []),
        (["2026-06", "2026-08"], datetime(2026, 10, 1, tzinfo=UTC), ["2026-07"]),
        (["2026-06", "2026-08"], datetime(2026, 10, 31, tzinfo=UTC), ["2026-07", "2026-09"]),
    ],
)
def test_overdue_periods__missing_months__are_listed(
    loaded: list[str], now: datetime, overdue: list[str]
) -> None:
    found = overdue_periods([BillingPeriod.parse(key) for key in loaded], now=now)

    assert [period.key for period in found] == overdue
