"""A month loaded again with the same usage, but different prices, names or owners."""

from __future__ import annotations

import json

import pytest

from billing_pipeline.warehouse import Warehouse
from billing_pipeline.warehouse.history import Restatement
from billing_pipeline_tests.warehouse.reports import ACRONIS, PARTNER, load, query, row, storage

MONTH = [
    storage(
        absolute_production=5, quota="10.5", price="0.10", total_cost="10.00", pricing_currency="EUR",
        customer_id="007",
    ),
    row(absolute_production=1),
]  # fmt: skip
CHANGES = {
    "quota": (None, "10.500000", None),
    "price": ("0.100000000001", "0.100000000000", "0.100000000001"),
    "total_cost": ("99.00", "10.000000000000", "99.000000000000"),
    "pricing_mode": ("trial", "production", "trial"),
    "pricing_currency": ("USD", "EUR", "USD"),
    "tenant_name": ("Renamed", "Bäckerei Müller, GmbH", "Renamed"),
    "tenant_kind": ("partner", "customer", "partner"),
    "customer_id": ("7", "007", "7"),
    "infra_owner_id": (PARTNER, ACRONIS, PARTNER),
}


@pytest.mark.slow
@pytest.mark.parametrize("column", CHANGES)
def test_restatement__money_names_owners_change__is_kept(warehouse: Warehouse, column: str) -> None:
    value, before, after = CHANGES[column]
    load(warehouse, MONTH)

    again = load(warehouse, [{**MONTH[0], column: value}, MONTH[1]], number=2)

    assert again.restatement == Restatement(changed=1)
    (kept,) = query(warehouse, "SELECT before, after FROM usage_restatement")
    kept_before, kept_after = json.loads(kept["before"]), json.loads(kept["after"])
    assert (kept_before.pop(column), kept_after.pop(column)) == (before, after)
    assert kept_before == kept_after
    unchanged = {name: old for name, (_, old, _) in CHANGES.items() if name != column}
    assert kept_before.items() >= unchanged.items()


def test_restatement__same_money_again__none(warehouse: Warehouse) -> None:
    load(warehouse, MONTH)

    assert load(warehouse, MONTH[::-1], number=2).restatement == Restatement()
