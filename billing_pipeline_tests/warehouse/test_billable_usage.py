"""The billing rules, each with figures calculated by hand."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing_pipeline.periods import BillingPeriod
from billing_pipeline.warehouse import Warehouse, WarehouseFile
from billing_pipeline.warehouse.schema import create_schema
from billing_pipeline_tests.warehouse.reports import (
    ACRONIS,
    CUSTOMER,
    OTHER_CUSTOMER,
    OWN_STORAGE,
    PARTNER,
    ROOT,
    STORAGE_1,
    STORAGE_2,
    load,
    points,
    query,
    row,
    storage,
)

GIB = 2**30
SUB_PARTNER = "50000000-0000-4000-8000-000000000001"


def billed(warehouse: Warehouse, *columns: str) -> list[tuple[Any, ...]]:
    names = ", ".join(columns)
    return [
        tuple(found.values())
        for found in query(warehouse, f"SELECT {names} FROM billable_usage ORDER BY ALL")
    ]


def test_billable_usage__levels_and_ranges__absolute_and_delta(warehouse: Warehouse) -> None:
    load(
        warehouse,
        [
            row(absolute_production=18, delta_production=3),
            row(offering_item="notarizations", is_range=True, absolute_production=40, delta_production=7),
            points(absolute_production=1234567, delta_production=40123),
        ],
    )

    assert billed(warehouse, "offering_item", "quantity", "unit") == [
        ("compute_points", Decimal("11.15"), "compute points"),
        ("notarizations", Decimal(7), "count"),
        ("workstations", Decimal(18), "count"),
    ]


def test_billable_usage__several_storages__one_line_per_ownership(warehouse: Warehouse) -> None:
    load(
        warehouse,
        [
            storage(absolute_production=3 * GIB),
            storage(infra_id=STORAGE_2, absolute_production=2 * GIB + 1),
            storage(infra_id=OWN_STORAGE, infra_owner_id=ROOT, absolute_production=7 * GIB),
        ],
    )

    assert billed(warehouse, "storage_ownership", "quantity", "unit", "usage_rows") == [
        ("acronis", Decimal("5.0000000009"), "GiB", 2),
        ("partner", Decimal(7), "GiB", 1),
    ]


def test_billable_usage__trial_usage__is_in_a_column_of_its_own(warehouse: Warehouse) -> None:
    load(
        warehouse,
        [row(absolute_production=5, absolute_trial=2), points(delta_trial=3600, delta_production=18)],
    )

    assert billed(warehouse, "offering_item", "quantity", "quantity_trial", "quantity_total") == [
        ("compute_points", Decimal("0.01"), Decimal(1), Decimal("1.01")),
        ("workstations", Decimal(5), Decimal(2), Decimal(7)),
    ]


def test_billable_usage__compute_points__rounded_per_row(warehouse: Warehouse) -> None:
    half_a_hundredth = {"delta_production": 18}

    load(warehouse, [points(infra_id=infra, **half_a_hundredth) for infra in (STORAGE_1, STORAGE_2)])

    assert billed(warehouse, "quantity") == [(Decimal("0.02"),)]


def test_billable_usage__item_with_and_without_sku__one_line_each(warehouse: Warehouse) -> None:
    load(warehouse, [row(sku=sku, absolute_production=n) for n, sku in ((1, "A"), (2, "B"), (4, None))])

    assert billed(warehouse, "sku", "quantity") == [("A", Decimal(1)), ("B", Decimal(2)), (None, Decimal(4))]


@pytest.mark.parametrize(
    ("level", "tenants"),
    [
        ("direct_partners", [PARTNER, CUSTOMER, OTHER_CUSTOMER]),
        ("all_customers", [CUSTOMER, OTHER_CUSTOMER]),
        ("accounts", [CUSTOMER, OTHER_CUSTOMER]),
        ("all_partners", []),
        ("itself", [ROOT]),
        (None, [PARTNER, CUSTOMER, OTHER_CUSTOMER]),
    ],
)
def test_billable_usage__report_of_a_level__bills_that_level_only(
    warehouse: Warehouse, level: str | None, tenants: list[str]
) -> None:
    customers_only = level in {"all_customers", "accounts"}
    rows = [
        # The root tenant's own row totals what is billed.
        row(tenant_id=ROOT, tenant_kind="partner", absolute_production=12 if customers_only else 14),
        row(tenant_id=PARTNER, tenant_kind="partner", absolute_production=2),
        row(tenant_id=CUSTOMER, tenant_kind="customer", absolute_production=4),
        row(tenant_id=OTHER_CUSTOMER, tenant_kind="customer", absolute_production=8),
    ]
    if level == "itself":
        rows = rows[:1]

    load(warehouse, rows, report_level=level)

    assert [str(found) for (found,) in billed(warehouse, "tenant_id")] == tenants


def test_billable_usage__daily_rows__last_level_all_changes(warehouse: Warehouse) -> None:
    days = [date(2026, 9, 1), date(2026, 9, 29), date(2026, 9, 30)]
    rows = [row(usage_date=day, absolute_production=n) for n, day in enumerate(days, 5)]
    # Nothing is stored on the last day, and a report without zeros has no row for it.
    rows += [storage(usage_date=day, absolute_production=GIB) for day in days[:2]]
    rows += [points(usage_date=day, delta_production=3600, absolute_production=10) for day in days]

    load(warehouse, rows, report_kind="usage_daily")

    assert billed(warehouse, "offering_item", "quantity") == [
        ("compute_points", Decimal(3)),
        ("workstations", Decimal(7)),
    ]


def accumulating(**columns: Any) -> list[dict[str, Any]]:
    """Notarizations, whose level and change differ, beside compute points and workstations."""
    notarizations = {"offering_item": "notarizations", "is_range": True, **columns}
    return [
        row(absolute_production=18, delta_production=3, **columns),
        row(absolute_production=40, absolute_trial=2, delta_production=7, delta_trial=1, **notarizations),
        points(absolute_production=1234567, delta_production=40123, **columns),
    ]


@pytest.mark.parametrize(
    ("delta_items", "notarizations"),
    [
        (None, (Decimal(7), Decimal(1), Decimal(8))),
        ("accumulating", (Decimal(7), Decimal(1), Decimal(8))),
        ("compute_points", (Decimal(40), Decimal(2), Decimal(42))),
    ],
)
def test_billable_usage__delta_items__decide_for_all_but_compute_points(
    warehouse: Warehouse, delta_items: str | None, notarizations: tuple[Decimal, ...]
) -> None:
    load(warehouse, accumulating(), delta_items=delta_items)

    assert billed(warehouse, "offering_item", "quantity", "quantity_trial", "quantity_total") == [
        ("compute_points", Decimal("11.15"), Decimal(0), Decimal("11.15")),
        ("notarizations", *notarizations),
        ("workstations", Decimal(18), Decimal(0), Decimal(18)),
    ]


def test_billable_usage__daily_rows_of_items_billed_by_level__last_day_only(warehouse: Warehouse) -> None:
    days = [date(2026, 9, 29), date(2026, 9, 30)]

    load(
        warehouse,
        [each for day in days for each in accumulating(usage_date=day)],
        report_kind="usage_daily",
        delta_items="compute_points",
    )

    assert billed(warehouse, "offering_item", "quantity") == [
        ("compute_points", Decimal("22.30")),
        ("notarizations", Decimal(40)),
        ("workstations", Decimal(18)),
    ]


def test_billable_usage__months_of_two_rules__each_keeps_its_own(warehouse: Warehouse) -> None:
    load(warehouse, accumulating(), BillingPeriod(2026, 8), delta_items="accumulating")
    load(warehouse, accumulating(), number=2, delta_items="compute_points")

    statement = "SELECT billing_period, quantity FROM billable_usage WHERE offering_item = 'notarizations'"
    assert [tuple(found.values()) for found in query(warehouse, f"{statement} ORDER BY 1")] == [
        (date(2026, 8, 1), Decimal(7)),
        (date(2026, 9, 1), Decimal(40)),
    ]
    recorded = query(warehouse, "SELECT delta_items FROM loaded_report ORDER BY billing_period")
    assert [found["delta_items"] for found in recorded] == ["accumulating", "compute_points"]


def test_billable_usage__warehouse_of_an_earlier_version__month_keeps_its_quantities(
    warehouse: WarehouseFile,
) -> None:
    load(warehouse, accumulating(), BillingPeriod(2026, 8))
    warehouse.path.chmod(0o640)
    with duckdb.connect(warehouse.location) as connection:
        views = [
            name
            for (name,) in connection.execute(
                "SELECT view_name FROM duckdb_views() WHERE NOT internal"
            ).fetchall()
        ]
        connection.execute("; ".join(f"DROP VIEW {name}" for name in views))
        connection.execute("ALTER TABLE load_history DROP COLUMN delta_items")
        connection.execute("UPDATE schema_version SET fingerprint = 'earlier'")

    load(warehouse, accumulating(), number=2, delta_items="compute_points")

    statement = (
        "SELECT quantity FROM billable_usage WHERE offering_item = 'notarizations' ORDER BY billing_period"
    )
    assert [found["quantity"] for found in query(warehouse, statement)] == [Decimal(7), Decimal(40)]


def test_billable_usage__no_infrastructure__has_no_owner(warehouse: Warehouse) -> None:
    load(warehouse, [row(absolute_production=1), storage(infra_owner_id=None, absolute_production=GIB)])

    assert billed(warehouse, "offering_item", "storage_ownership") == [
        ("storage", "acronis"),
        ("workstations", None),
    ]


@pytest.mark.parametrize(
    ("rows", "ownership"),
    [
        # The owner is the report's root tenant, or a listed tenant.
        ([storage(infra_owner_id=ROOT)], "partner"),
        ([storage(infra_owner_id=PARTNER), row(tenant_id=PARTNER, tenant_kind="partner")], "partner"),
        # It serves a customer, or several tenants: the owner is above all of them.
        ([storage(infra_owner_id=ACRONIS)], "acronis"),
        (
            [
                storage(infra_owner_id=ACRONIS, tenant_id=PARTNER, tenant_kind="partner"),
                storage(infra_owner_id=ACRONIS, tenant_id=SUB_PARTNER, tenant_kind="partner"),
            ],
            "acronis",
        ),
        # It serves only one partner of the report, while Acronis serves others: a sub-partner.
        (
            [
                storage(infra_owner_id=SUB_PARTNER, tenant_id=PARTNER, tenant_kind="partner"),
                storage(infra_owner_id=ACRONIS, infra_id=STORAGE_2),
            ],
            "partner",
        ),
        # Without an owner that is certainly Acronis, it counts as Acronis.
        ([storage(infra_owner_id=SUB_PARTNER, tenant_id=PARTNER, tenant_kind="partner")], "acronis"),
    ],
)
def test_ownership__storage_of_each_owner__is_recognised(
    warehouse: Warehouse, rows: list[dict[str, Any]], ownership: str
) -> None:
    load(warehouse, rows)
    owner = rows[0]["infra_owner_id"]

    found = query(
        warehouse, f"SELECT storage_ownership FROM infrastructure_ownership WHERE infra_owner_id = '{owner}'"
    )

    assert found == [{"storage_ownership": ownership}]


@pytest.fixture(scope="module")
def engine() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:")
    create_schema(connection)
    return connection


def one(engine: duckdb.DuckDBPyConnection, expression: str) -> Any:
    (value,) = engine.execute(f"SELECT {expression}").fetchone() or (None,)
    return value


@given(st.integers(-(10**27), 10**27) | st.decimals(-(10**20), 10**20, places=6))
def test_gib__bytes__ten_decimals_half_away_from_zero(
    engine: duckdb.DuckDBPyConnection, size: int | Decimal
) -> None:
    exact = abs(Fraction(size)) / GIB
    rounded = (Decimal(exact.numerator * 10**10 // exact.denominator) * 2 + 1) // 2  # floor
    remainder = exact * 10**10 - int(rounded)
    expected = (rounded + (1 if remainder >= Fraction(1, 2) else 0)).scaleb(-10)

    found = one(engine, f"gib({Decimal(size):f}::DECIMAL(38, {0 if isinstance(size, int) else 6}))")

    assert abs(found) == expected
    assert (found < 0) == (size < 0 and expected != 0)


@pytest.mark.parametrize(
    ("size", "gib"),
    [
        (2**19, "0.0004882813"),
        (-(2**19), "-0.0004882813"),
        (3 * 2**19, "0.0014648438"),
        (2**20, "0.0009765625"),
    ],
)
def test_gib__half_of_last_decimal__rounds_away_from_zero(
    engine: duckdb.DuckDBPyConnection, size: int, gib: str
) -> None:
    assert one(engine, f"gib({size}::DECIMAL(38, 0))") == Decimal(gib)


@given(st.integers(0, 2**63))
def test_gib__any_size__gives_the_bytes_back(engine: duckdb.DuckDBPyConnection, size: int) -> None:
    found: Decimal = one(engine, f"gib({size}::DECIMAL(38, 0))")

    assert (found * GIB).quantize(Decimal(1), ROUND_HALF_UP) == size
