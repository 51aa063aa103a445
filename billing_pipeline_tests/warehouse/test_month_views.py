"""Views that compare months, with figures calculated by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import duckdb
import pytest

from billing_pipeline.charges import close_period
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.sql_files import opening_comment, read_sql
from billing_pipeline.warehouse import Warehouse
from billing_pipeline.warehouse.schema import REPORT_VIEWS, VIEW_FILES, VIEWS
from billing_pipeline_tests.warehouse.reports import (
    CUSTOMER,
    OTHER_CUSTOMER,
    OTHER_ROOT,
    SEPTEMBER,
    STORAGE_2,
    load,
    load_unchecked,
    own,
    points,
    query,
    row,
    storage,
)

AUGUST = BillingPeriod(2026, 8)
GIB = 2**30
LEAVING = "30000000-0000-4000-8000-00000000000a"
COMING = "30000000-0000-4000-8000-00000000000b"
THERE = "30000000-0000-4000-8000-00000000000c"
US: dict[str, Any] = {"account": "us", "root_tenant_id": OTHER_ROOT}


@pytest.fixture
def two_months(warehouse: Warehouse) -> Warehouse:
    load_unchecked(
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
    load_unchecked(
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
    load_unchecked(
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
    load_unchecked(warehouse, [row(absolute_production=1)], BillingPeriod(2026, 7))
    load_unchecked(warehouse, [row(absolute_production=2)])

    assert found(warehouse, "FROM month_over_month") == []
    assert found(warehouse, "FROM tenant_changes") == []
    assert (
        found(
            warehouse,
            f"SELECT billing_period, growth FROM storage_growth WHERE billing_period > '{SEPTEMBER.start}'",
        )
        == []
    )


@pytest.mark.duckdb
@pytest.mark.parametrize("view", [view for view in REPORT_VIEWS if "points" not in view])
def test_view__filtered_by_month__leaves_other_months_alone(two_months: Warehouse, view: str) -> None:
    # So many bytes that their conversion to GiB overflows: whatever evaluates this month fails.
    load_unchecked(two_months, [storage(absolute_production=1, absolute_total=1)], BillingPeriod(2026, 6))
    columns = ("absolute_production", "absolute_total")
    wider = "; ".join(f"ALTER TABLE usage ALTER {column} TYPE DECIMAL(38, 0)" for column in columns)
    overflow = ", ".join(f"{column} = 1e30::DECIMAL(38, 0)" for column in columns)
    two_months.change(
        lambda connection: connection.execute(
            f"{wider}; UPDATE usage SET {overflow} WHERE billing_period = '2026-06-01'"
        )
    )
    of_september = f"FROM {view} WHERE billing_period = '{SEPTEMBER.start}'"

    assert found(two_months, of_september)
    with pytest.raises(duckdb.OutOfRangeException):
        found(two_months, f"FROM {view} WHERE billing_period = '2026-06-01'")


TOTALS = """
    SELECT
        billing_period,
        account,
        count(DISTINCT tenant_id) FILTER (quantity_total <> 0) AS tenants,
        coalesce(sum(quantity) FILTER (unit = 'GiB' AND storage_ownership = 'acronis'), 0) AS acronis_gib,
        coalesce(sum(quantity) FILTER (unit = 'GiB' AND storage_ownership = 'partner'), 0) AS partner_gib,
        coalesce(sum(quantity) FILTER (unit = 'GiB' AND offering_item = 'local_storage'), 0) AS local_gib,
        coalesce(sum(quantity) FILTER (unit = 'compute points'), 0) AS compute_points
    FROM billable_usage
    GROUP BY ALL
    ORDER BY ALL
"""


@pytest.mark.duckdb
def test_month_totals__any_load__equal_the_billable_usage(two_months: Warehouse) -> None:
    both = found(two_months, "FROM month_totals ORDER BY ALL")
    assert [(month.month, tenants, acronis) for month, _, tenants, acronis, *_ in both] == [
        (8, 3, 6),
        (9, 3, 9),
    ]
    assert both == found(two_months, TOTALS)

    load_unchecked(two_months, [row(absolute_production=1), points(delta_production=3600)], AUGUST, number=10)
    load_unchecked(two_months, [storage(tenant_id=THERE, absolute_production=GIB)], AUGUST, number=11, **US)

    again = found(two_months, "FROM month_totals ORDER BY ALL")
    assert len(again) == 3
    assert again[-1] == both[-1]
    assert again == found(two_months, TOTALS)


@pytest.mark.duckdb
def test_month_totals__counts_only__tenants_and_zeros(warehouse: Warehouse) -> None:
    load(warehouse, [row(absolute_trial=1), row(tenant_id=OTHER_CUSTOMER), own(absolute_trial=1)], number=8)

    totals = found(warehouse, "FROM month_totals")

    assert totals == [(SEPTEMBER.start, "default", 1, 0, 0, 0, 0)]
    assert totals == found(warehouse, TOTALS)


@pytest.mark.duckdb
def test_month_totals__empty_report__no_totals(warehouse: Warehouse) -> None:
    load(warehouse, [], number=8)

    assert found(warehouse, "FROM month_totals") == found(warehouse, TOTALS) == []


def test_month_totals__warehouse_of_another_version__calculated_by_the_next_change(
    two_months: Warehouse,
) -> None:
    expected = found(two_months, TOTALS)

    def age(connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute("UPDATE month_totals SET tenants = 99; UPDATE schema_version SET fingerprint = ''")

    two_months.change(age)
    close_period(two_months, AUGUST)

    assert found(two_months, "FROM month_totals ORDER BY ALL") == expected


def test_views__opening_comments__are_questions(two_months: Warehouse) -> None:
    texts = {view: read_sql(VIEW_FILES[view]) for view in VIEWS}

    assert [view for view, text in texts.items() if "?" not in text.split("\n", 1)[0]] == []
    comments = dict(found(two_months, "SELECT view_name, comment FROM duckdb_views()"))
    assert {view: comments[view] for view in VIEWS} == {
        view: opening_comment(text) for view, text in texts.items()
    }
