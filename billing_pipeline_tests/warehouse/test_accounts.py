"""Several accounts in one warehouse: each has its own rows and checks, and no usage is billed twice."""

from __future__ import annotations

from typing import Any

import pytest

from billing_pipeline.loading.checks import LoadStoppedError
from billing_pipeline.periods import AccountPeriod
from billing_pipeline.warehouse import Warehouse
from billing_pipeline.warehouse.history import loaded_periods
from billing_pipeline_tests.warehouse.reports import (
    CUSTOMER,
    OTHER_CUSTOMER,
    OTHER_ROOT,
    PARTNER,
    ROOT,
    SEPTEMBER,
    load,
    query,
    row,
)

AUGUST = SEPTEMBER.previous()
EU: dict[str, Any] = {"account": "eu"}
US: dict[str, Any] = {"account": "us", "root_tenant_id": OTHER_ROOT}


def quantities(warehouse: Warehouse, source: str = "usage") -> list[tuple[str, int]]:
    rows = query(warehouse, f"SELECT account, absolute_total::INTEGER AS n FROM {source} ORDER BY ALL")
    return [(found["account"], found["n"]) for found in rows]


def test_load__two_accounts__replaces_own_rows_only(warehouse: Warehouse) -> None:
    load(warehouse, [row(absolute_production=1)], number=1, **EU)
    load(warehouse, [row(tenant_id=OTHER_CUSTOMER, absolute_production=2)], number=2, **US)

    again = load(warehouse, [row(absolute_production=3)], number=3, **EU)

    assert quantities(warehouse) == [("eu", 3), ("us", 2)]
    assert str(again.restatement) == "1 changed, 0 new, 0 vanished"
    assert query(warehouse, "SELECT DISTINCT account FROM usage_restatement") == [{"account": "eu"}]
    assert again.control_totals is not None
    assert again.control_totals.rows == 1


def test_load__empty_report_of_an_account__keeps_others(warehouse: Warehouse) -> None:
    load(warehouse, [row(absolute_production=1)], **EU)

    load(warehouse, [], number=2, **US)

    assert quantities(warehouse) == [("eu", 1)]
    with pytest.raises(LoadStoppedError, match="unexpectedly_empty"):
        load(warehouse, [], number=3, **EU)


def test_checks__first_month_of_an_account__no_comparison(warehouse: Warehouse) -> None:
    many = [row(offering_item=f"item_{n}", absolute_production=n + 1) for n in range(10)]
    load(warehouse, many, AUGUST, **EU)

    first = load(warehouse, [row(tenant_id=OTHER_CUSTOMER, absolute_production=1)], **US, number=2)
    load(warehouse, many, **EU, number=3)

    found = {check.check_name: check for check in first.checks}
    assert found["completeness"].passed
    assert query(warehouse, "SELECT DISTINCT account FROM month_over_month") == [{"account": "eu"}]
    assert query(warehouse, "SELECT DISTINCT account, change FROM tenant_changes") == []
    assert str(first.restatement or "none") == "none"


def test_loaded_periods__two_accounts__one_state_each(warehouse: Warehouse) -> None:
    load(warehouse, [row(absolute_production=1)], **EU)
    load(warehouse, [row(tenant_id=OTHER_CUSTOMER, absolute_production=2)], number=2, **US)

    states = loaded_periods(warehouse)

    assert list(states) == [AccountPeriod(SEPTEMBER, "eu"), AccountPeriod(SEPTEMBER, "us")]
    assert [state.row_count for state in states.values()] == [1, 1]
    assert all(state.checks for state in states.values())
    bills = query(warehouse, "SELECT account, root_tenant_id::VARCHAR AS root FROM billable_usage ORDER BY 1")
    assert [tuple(bill.values()) for bill in bills] == [("eu", ROOT), ("us", OTHER_ROOT)]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        # The same client twice, under two names.
        ((row(), ROOT), (row(), ROOT)),
        # A customer that two accounts report.
        ((row(), ROOT), (row(), OTHER_ROOT)),
        # One account's root tenant is a partner in the other's report, in either order of loading.
        ((row(tenant_id=PARTNER, tenant_kind="partner"), ROOT), (row(), PARTNER)),
        ((row(), PARTNER), (row(tenant_id=PARTNER, tenant_kind="partner"), ROOT)),
    ],
)
def test_accounts__tenant_in_two_accounts__stops(
    warehouse: Warehouse, first: tuple[dict[str, Any], str], second: tuple[dict[str, Any], str]
) -> None:
    load(warehouse, [first[0]], account="eu", root_tenant_id=first[1])
    other = row(tenant_id=OTHER_CUSTOMER)

    with pytest.raises(LoadStoppedError, match=r"eu has . of the same tenants in the month") as caught:
        load(warehouse, [second[0], other], number=2, account="us", root_tenant_id=second[1])

    (check,) = [check for check in caught.value.checks if check.check_name == "accounts"]
    assert check.stops
    assert query(warehouse, "SELECT DISTINCT account FROM usage") == [{"account": "eu"}]


def test_accounts__tenant_moves_next_month__passes(warehouse: Warehouse) -> None:
    load(warehouse, [row(tenant_id=CUSTOMER)], AUGUST, **EU)

    load(warehouse, [row(tenant_id=CUSTOMER)], number=2, **US)

    assert len(quantities(warehouse)) == 2
