"""A month that is loaded again with the same usage, and other money, names or owners."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

import duckdb
import pytest

from billing_pipeline.warehouse import Warehouse
from billing_pipeline.warehouse.restatement import Restatement
from billing_pipeline_tests.warehouse.reports import ACRONIS, PARTNER, load, query, row, storage

MONTH = [
    storage(
        absolute_production=5, quota="10.5", price="0.10", total_cost="10.00", pricing_currency="EUR",
        customer_id="007",
    ),
    row(absolute_production=1),
]  # fmt: skip
CHANGES = {
    "quota": (None, Decimal("10.5"), None),
    "price": ("0.100000000001", Decimal("0.10"), Decimal("0.100000000001")),
    "total_cost": ("99.00", Decimal(10), Decimal(99)),
    "pricing_mode": ("trial", "production", "trial"),
    "pricing_currency": ("USD", "EUR", "USD"),
    "tenant_name": ("Renamed", "Bäckerei Müller, GmbH", "Renamed"),
    "tenant_kind": ("partner", "customer", "partner"),
    "customer_id": ("7", "007", "7"),
    "infra_owner_id": (PARTNER, UUID(ACRONIS), UUID(PARTNER)),
}


@pytest.mark.parametrize("column", CHANGES)
def test_what_is_billed_and_to_whom_is_restated_too(warehouse: Warehouse, column: str) -> None:
    value, before, after = CHANGES[column]
    load(warehouse, MONTH)

    again = load(warehouse, [{**MONTH[0], column: value}, MONTH[1]], number=2)

    assert again.restatement == Restatement(changed=1)
    (kept,) = query(warehouse, "FROM usage_restatement")
    assert (kept[f"{column}_before"], kept[f"{column}_after"]) == (before, after)
    unchanged: dict[str, Any] = {name: old for name, (_, old, _) in CHANGES.items() if name != column}
    assert {name: kept[f"{name}_before"] for name in unchanged} == unchanged
    assert {name: kept[f"{name}_after"] for name in unchanged} == unchanged


def test_the_same_month_again_restates_nothing(warehouse: Warehouse) -> None:
    load(warehouse, MONTH)

    assert load(warehouse, MONTH[::-1], number=2).restatement == Restatement()


def test_a_table_of_an_earlier_version_gets_the_columns(warehouse: Warehouse) -> None:
    load(warehouse, MONTH)

    def make_it_earlier(connection: duckdb.DuckDBPyConnection) -> None:
        for column in CHANGES:
            connection.execute(f"ALTER TABLE usage_restatement DROP COLUMN {column}_before")
            connection.execute(f"ALTER TABLE usage_restatement DROP COLUMN {column}_after")
        connection.execute("UPDATE schema_version SET fingerprint = 'earlier'")

    warehouse.change("all", "made earlier", make_it_earlier)

    load(warehouse, [{**MONTH[0], "total_cost": "99.00"}, MONTH[1]], number=2)

    (kept,) = query(warehouse, "SELECT total_cost_before, total_cost_after FROM usage_restatement")
    assert kept == {"total_cost_before": Decimal(10), "total_cost_after": Decimal(99)}
