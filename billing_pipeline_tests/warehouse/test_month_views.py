"""Views that compare months, with figures calculated by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from billing_pipeline.periods import BillingPeriod
from billing_pipeline.sql_files import opening_comment, read_sql
from billing_pipeline.warehouse import Warehouse
from billing_pipeline.warehouse.schema import VIEW_FILES, VIEWS
from billing_pipeline_tests.warehouse.reports import (
    CUSTOMER,
    OTHER_CUSTOMER,
    SEPTEMBER,
    STORAGE_2,
    load,
    points,
    query,
    row,
    storage,
)

AUGUST = BillingPeriod(2026, 8)
GIB = 2**30
LEAVING = "30000000-0000-4000-8000-00000000000a"
COMING = "30000000-0000-4000-8000-00000000000b"


@pytest.fixture
def two_months(warehouse: Warehouse) -> Warehouse:
    load(
        warehouse,
        [
            row(absolute_production=10, tenant_name="Stadtwerke"),
            storage(absolute_production=4 * GIB, tenant_name="Stadtwerke"),
            storage(infra_id=STORAGE_2, absolute_production=2 * GIB, tenant_name="Stadtwerke"),
            row(tenant_id=OTHER_CUSTOMER, tenant_name="NA", absolute_production=3),
            row(tenant_id=LEAVING, tenant_name="Zoë", absolute_trial=1),
        ],
        AUGUST,
        number=8,
    )
    load(
        warehouse,
        [
            row(absolute_production=12, tenant_name="Stadtwerke Gruppe"),
            storage(absolute_production=9 * GIB, tenant_name="Stadtwerke Gruppe"),
            points(delta_production=7200, tenant_name="Stadtwerke Gruppe"),
            row(tenant_id=OTHER_CUSTOMER, tenant_name="NA", absolute_production=3),
            row(tenant_id=COMING, tenant_name="007", absolute_production=1, sku=None),
            row(tenant_id=LEAVING, tenant_name="Zoë"),
        ],
        number=9,
    )
    return warehouse


def found(warehouse: Warehouse, statement: str) -> list[tuple[Any, ...]]:
    return [tuple(columns.values()) for columns in query(warehouse, statement)]


def test_month_over_month__two_months__change_per_line(two_months: Warehouse) -> None:
    changes = found(
        two_months,
        "SELECT tenant_name, offering_item, quantity_before, quantity, change, change_percent, movement"
        " FROM month_over_month ORDER BY ALL",
    )

    assert changes == [
        ("007", "workstations", Decimal(0), Decimal(1), Decimal(1), None, "new"),
        ("NA", "workstations", Decimal(3), Decimal(3), Decimal(0), 0.0, "same"),
        ("Stadtwerke Gruppe", "compute_points", Decimal(0), Decimal(2), Decimal(2), None, "new"),
        ("Stadtwerke Gruppe", "storage", Decimal(6), Decimal(9), Decimal(3), 50.0, "more"),
        ("Stadtwerke Gruppe", "workstations", Decimal(10), Decimal(12), Decimal(2), 20.0, "more"),
        ("Zoë", "workstations", Decimal(0), Decimal(0), Decimal(0), None, "same"),
    ]


def test_tenant_changes__two_months__new_lost_renamed(two_months: Warehouse) -> None:
    changes = found(two_months, "SELECT change, name_before, name FROM tenant_changes ORDER BY ALL")

    assert changes == [
        ("lost", "Zoë", None),
        ("new", None, "007"),
        ("renamed", "Stadtwerke", "Stadtwerke Gruppe"),
    ]


def test_storage_growth__two_months__growth_per_storage(two_months: Warehouse) -> None:
    growth = found(
        two_months,
        "SELECT billing_period, tenant_id::VARCHAR, gib, gib_before, growth FROM storage_growth ORDER BY ALL",
    )

    assert growth == [
        (AUGUST.start, CUSTOMER, Decimal(6), None, None),
        (SEPTEMBER.start, CUSTOMER, Decimal(9), Decimal(6), Decimal(3)),
    ]


def test_sku_totals__two_months__totals_per_sku(two_months: Warehouse) -> None:
    totals = found(
        two_months,
        "SELECT sku, offering_item_without_sku, storage_ownership, quantity, unit, tenants FROM sku_totals"
        f" WHERE billing_period = '{SEPTEMBER.start}' ORDER BY ALL",
    )

    assert totals == [
        ("ACRCLST", None, "acronis", Decimal(9), "GiB", 1),
        ("CMPTPNTS", None, None, Decimal(2), "compute points", 1),
        ("STWRKSTTNS", None, None, Decimal(15), "count", 2),
        (None, "workstations", None, Decimal(1), "count", 1),
    ]


def test_sku_totals__tenants__only_those_with_usage(warehouse: Warehouse) -> None:
    load(
        warehouse,
        [
            storage(absolute_production=GIB, absolute_trial=2 * GIB),
            storage(tenant_id=OTHER_CUSTOMER, absolute_trial=4 * GIB),
            storage(tenant_id=LEAVING),
            row(absolute_trial=5),
        ],
    )

    totals = found(warehouse, "SELECT sku, quantity, quantity_trial, tenants FROM sku_totals ORDER BY ALL")

    assert totals == [("ACRCLST", Decimal(1), Decimal(6), 1), ("STWRKSTTNS", Decimal(0), Decimal(5), 0)]


def test_compute_points_by_customer__two_months__sums(two_months: Warehouse) -> None:
    assert found(
        two_months,
        "SELECT billing_period, tenant_name, compute_points, compute_points_trial"
        " FROM compute_points_by_customer",
    ) == [(SEPTEMBER.start, "Stadtwerke Gruppe", Decimal("2.00"), Decimal("0.00"))]


def test_month_views__first_month__no_comparison(two_months: Warehouse) -> None:
    periods = found(
        two_months,
        "SELECT billing_period FROM month_over_month UNION SELECT billing_period FROM tenant_changes",
    )

    assert periods == [(SEPTEMBER.start,)]


def test_month_views__gap_of_a_month__no_comparison(warehouse: Warehouse) -> None:
    load(warehouse, [row(absolute_production=1)], BillingPeriod(2026, 7))
    load(warehouse, [row(absolute_production=2)])

    assert found(warehouse, "FROM month_over_month") == []
    assert found(warehouse, "FROM tenant_changes") == []
    assert (
        found(
            warehouse,
            f"SELECT billing_period, growth FROM storage_growth WHERE billing_period > '{SEPTEMBER.start}'",
        )
        == []
    )


@pytest.mark.parametrize("view", ["month_over_month", "tenant_changes", "storage_growth"])
def test_month_macros__one_month__equal_the_view(two_months: Warehouse, view: str) -> None:
    filtered = found(two_months, f"FROM {view} WHERE billing_period = '{SEPTEMBER.start}' ORDER BY ALL")

    assert filtered
    assert found(two_months, f"FROM {view}_in(DATE '{SEPTEMBER.start}') ORDER BY ALL") == filtered


@pytest.mark.parametrize("view", VIEWS)
def test_views__opening_comment__is_a_question(two_months: Warehouse, view: str) -> None:
    text = read_sql(VIEW_FILES[view])

    assert "?" in text.split("\n", 1)[0]
    comments = found(two_months, f"SELECT comment FROM duckdb_views() WHERE view_name = '{view}'")
    assert comments == [(opening_comment(text),)]
