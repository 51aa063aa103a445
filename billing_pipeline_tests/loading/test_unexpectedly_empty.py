"""A report without rows, or with few of them, for a month that has usage."""

from __future__ import annotations

import pytest

from billing_pipeline.loading.checks import LoadStoppedError
from billing_pipeline.warehouse import LoadAttempt, Warehouse
from billing_pipeline.warehouse.check_results import CheckResult
from billing_pipeline_tests.warehouse.reports import SEPTEMBER, load, query, row

SIX = [row(offering_item=f"item {number}", absolute_production=number) for number in range(6)]


def check(loaded: LoadAttempt, name: str) -> CheckResult:
    (found,) = [result for result in loaded.checks if result.check_name == name]
    return found


def rows(warehouse: Warehouse) -> object:
    return query(warehouse, "SELECT count(*) AS found FROM usage")[0]["found"]


def test_load__empty_report_for_loaded_month__stops(warehouse: Warehouse) -> None:
    load(warehouse, SIX)

    message = "unexpectedly_empty: the report is empty, and would replace 6 rows; .*--force"
    with pytest.raises(LoadStoppedError, match=message):
        load(warehouse, [], number=2)

    assert rows(warehouse) == 6


def test_load__empty_report_forced__warns(warehouse: Warehouse) -> None:
    load(warehouse, SIX)

    found = check(load(warehouse, [], number=2, forced=True), "unexpectedly_empty")

    assert (found.passed, found.severity) == (False, "warn")
    assert "6 rows" in found.detail
    assert rows(warehouse) == 0


def test_load__empty_first_report__warns(warehouse: Warehouse) -> None:
    load(warehouse, SIX, SEPTEMBER.previous())

    loaded = load(warehouse, [])

    assert check(loaded, "unexpectedly_empty").passed
    assert check(loaded, "completeness").detail == "the report is empty"


def test_load__empty_report_for_empty_month__passes(warehouse: Warehouse) -> None:
    load(warehouse, [])

    assert check(load(warehouse, [], number=2), "unexpectedly_empty").passed


@pytest.mark.parametrize(("left", "passed"), [(3, True), (2, False)])
def test_completeness__less_than_half_of_before__warns(
    warehouse: Warehouse, left: int, *, passed: bool
) -> None:
    load(warehouse, SIX)

    found = check(load(warehouse, SIX[:left], number=2), "completeness")

    assert found.passed is passed
    if not passed:
        assert found.detail == "2 rows; 6 when the month was loaded before"
    assert rows(warehouse) == left
