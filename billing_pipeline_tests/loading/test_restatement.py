"""A month loaded again with differences, which are recorded."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from billing_pipeline.loading.checks import LoadStoppedError
from billing_pipeline.warehouse import Warehouse
from billing_pipeline.warehouse.history import Restatement
from billing_pipeline_tests.warehouse.reports import SEPTEMBER, STORAGE_2, load, points, query, row, storage

pytestmark = pytest.mark.duckdb

FIRST = [
    row(absolute_production=18, delta_production=3),
    row(offering_item="servers", sku=None, absolute_production=2),
    storage(absolute_production=100),
    points(delta_production=3600),
]


def kept(warehouse: Warehouse) -> list[tuple[Any, ...]]:
    rows = query(
        warehouse,
        "SELECT change, offering_item, (before->>'absolute_production')::DECIMAL(38, 0) AS value_before,"
        " (after->>'absolute_production')::DECIMAL(38, 0) AS value_after,"
        " right(report_id_before::VARCHAR, 1) AS b, right(report_id_after::VARCHAR, 1) AS a"
        " FROM usage_restatement ORDER BY restated_at, change, offering_item",
    )
    return [tuple(columns.values()) for columns in rows]


def test_restatement__first_load__none(warehouse: Warehouse) -> None:
    assert load(warehouse, FIRST).restatement is None
    assert kept(warehouse) == []


def test_restatement__same_rows_in_another_order__none(warehouse: Warehouse) -> None:
    load(warehouse, FIRST)

    again = load(warehouse, FIRST[::-1], number=2)

    assert again.restatement == Restatement(0, 0, 0)
    assert kept(warehouse) == []


def test_restatement__changed_new_vanished_keys__are_kept(warehouse: Warehouse) -> None:
    load(warehouse, FIRST)

    again = load(
        warehouse,
        [
            {**FIRST[0], "absolute_production": 19, "absolute_total": 19},
            *FIRST[2:],
            storage(infra_id=STORAGE_2),
        ],
        number=2,
    )

    assert again.restatement == Restatement(changed=1, new=1, vanished=1)
    assert kept(warehouse) == [
        ("changed", "workstations", Decimal(18), Decimal(19), "1", "2"),
        ("new", "storage", None, Decimal(0), "1", "2"),
        ("vanished", "servers", Decimal(2), None, "1", "2"),
    ]
    (history,) = query(warehouse, "SELECT restated_keys FROM load_history ORDER BY recorded_at DESC LIMIT 1")
    assert history == {"restated_keys": 3}


@pytest.mark.parametrize("measure", ["absolute", "delta", "effective"])
@pytest.mark.parametrize("part", ["production", "trial"])
def test_restatement__any_measure_changes__is_kept(warehouse: Warehouse, measure: str, part: str) -> None:
    load(warehouse, [row(sku=None, edition=None)])

    load(warehouse, [row(sku=None, edition=None, **{f"{measure}_{part}": -7})], number=2)

    (found,) = query(
        warehouse,
        f"SELECT before->>'{measure}_{part}' AS b, after->>'{measure}_{part}' AS a FROM usage_restatement",
    )
    assert found == {"b": "0.000000", "a": "-7.000000"}


def test_restatement__unknown_scalar_differs__is_another_key(warehouse: Warehouse) -> None:
    load(warehouse, [row(extra='{"region": "a"}', pricing_tier_id="3")])

    again = load(warehouse, [row(extra='{"region": "b"}', pricing_tier_id="3")], number=2)

    assert again.restatement == Restatement(changed=0, new=1, vanished=1)
    assert query(
        warehouse, "SELECT change, pricing_tier_id, other_fields FROM usage_restatement ORDER BY change"
    ) == [
        {"change": "new", "pricing_tier_id": "3", "other_fields": '[["region","b"]]'},
        {"change": "vanished", "pricing_tier_id": "3", "other_fields": '[["region","a"]]'},
    ]


def test_restatement__other_unit_or_sku__is_another_key(warehouse: Warehouse) -> None:
    # Of an item that Acronis lists, another unit than the listed one would stop the load.
    other = {"offering_item": "unlisted", "absolute_production": 5}
    load(warehouse, [row(absolute_production=1), storage(**other)])

    again = load(
        warehouse, [row(absolute_production=1, sku="NEW"), storage(**other, measurement_unit="quantity")]
    )

    assert again.restatement == Restatement(changed=0, new=2, vanished=2)


def test_restatement__emptied_and_back__all_keys(warehouse: Warehouse) -> None:
    load(warehouse, FIRST)

    assert load(warehouse, [], number=2, forced=True).restatement == Restatement(vanished=4)
    assert load(warehouse, FIRST, number=3).restatement == Restatement(new=4)
    assert len(kept(warehouse)) == 8


def test_restatement__loaded_four_times__keeps_each(warehouse: Warehouse) -> None:
    for number in range(1, 5):
        load(warehouse, [row(absolute_production=number)], number=number)

    assert [(before, after) for _, _, before, after, _, _ in kept(warehouse)] == [(1, 2), (2, 3), (3, 4)]


def test_restatement__another_month_loaded__none(warehouse: Warehouse) -> None:
    load(warehouse, FIRST)

    assert (
        load(warehouse, [row(absolute_production=5)], period_before := SEPTEMBER.previous()).restatement
        is None
    )
    assert load(warehouse, FIRST).restatement == Restatement()
    assert period_before.key == "2026-08"


def test_restatement__load_stopped__none(warehouse: Warehouse) -> None:
    load(warehouse, FIRST)

    with pytest.raises(LoadStoppedError):
        load(warehouse, [*FIRST, FIRST[0]], number=2)

    assert kept(warehouse) == []
