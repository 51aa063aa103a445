"""Row comparisons detect the smallest difference in each column, even where a plain hash would not."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from itertools import permutations
from typing import Any
from uuid import UUID

import duckdb
import pytest

from billing_pipeline.loading.checks import LoadStoppedError
from billing_pipeline.loading.cross_check import digest
from billing_pipeline.normalize.fields import FIELDS
from billing_pipeline.reports import MEASURES
from billing_pipeline.warehouse import Warehouse
from billing_pipeline.warehouse.history import Restatement
from billing_pipeline_tests.warehouse.reports import CUSTOMER, load, query, row

WHOLE = (0, -1, 1, 2**64, 2**64 + 1, -(2**64), Decimal("0.000001"), 10**21)
EXACT = (*WHOLE[:-1], "-0.000001", None)
# DuckDB hashes 128 bits as their high half XOR their low half: these two differ in both by the same bit.
TWINS = (CUSTOMER, str(UUID(int=UUID(CUSTOMER).int ^ (2**64 + 1))))
VALUES: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(MEASURES, WHOLE),
    **dict.fromkeys(("quota", "price", "total_cost"), EXACT),
    **dict.fromkeys(("infra_owner_id", "infra_id", "application_id"), (*TWINS, None)),
    "tenant_id": TWINS,
    **dict.fromkeys(
        ("tenant_name", "tenant_kind", "customer_id", "application_name", "edition", "sku", "infra_name",
         "infra_backend_type", "pricing_mode", "pricing_currency", "billing_model", "storage_type",
         "pricing_tier_id"),
        ("", " ", "0", "a", "A", None),
    ),
    "usage_date": ("2026-09-29", "2026-09-30"),
    "offering_item": ("storage", "Storage"),
    "measurement_unit": ("quantity", "Quantity"),
    "is_range": (False, True),
}  # fmt: skip
# A level whose rows may have any quantity.
NOT_BILLED = "all_partners"
KEY = {"usage_date", "tenant_id", "application_id", "offering_item", "edition", "infra_id", "sku",
       "billing_model", "storage_type", "pricing_tier_id"}  # fmt: skip


def month(column: str, values: tuple[Any, ...]) -> list[dict[str, Any]]:
    """A row for each value, each of an item of its own; totals are production plus trial."""
    items = [f"{column} {number:03}" for number in range(len(values))]
    column = column.replace("_total", "_production") if column in MEASURES else column
    if column == "offering_item":
        return [row(offering_item=f"{item} {value}") for item, value in zip(items, values, strict=True)]
    return [row(offering_item=item, **{column: value}) for item, value in zip(items, values, strict=True)]


def pairs(columns: Iterable[str]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Two months whose rows differ in one column each, by each pair of its values in turn."""
    before, after = [], []
    for column in columns:
        first, second = zip(*permutations(VALUES[column], 2), strict=True)
        before += month(column, first)
        after += month(column, second)
    return before, after


def test_digest__values_of_a_column__all_differ(warehouse: Warehouse) -> None:
    load(warehouse, [])
    with warehouse.reading() as reader:
        columns = reader.execute(
            "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = 'usage'"
        )
        kinds = dict(columns.fetchall())
    assert VALUES.keys() <= kinds.keys()

    with duckdb.connect(":memory:") as connection:
        for name, values in VALUES.items():
            digests = {
                digest(connection, [name], f"SELECT $value::{kinds[name]} AS {name}", {"value": value})
                for value in values
            }
            assert len(digests) == len(values), name


# If what is billed differs, the cross-check compares only that.
@pytest.mark.parametrize("billed", [True, False])
def test_cross_check__smallest_difference_in_each_column__fails(warehouse: Warehouse, billed: bool) -> None:
    decisive = {field.column for field in FIELDS if field.kind.billed}
    in_json, in_csv = pairs(column for column in VALUES if (column in decisive) == billed)

    loaded = load(warehouse, in_json, witness=in_csv, mode="warn", report_level=NOT_BILLED)

    (check,) = (check for check in loaded.checks if check.check_name == "cross_check")
    assert not check.passed
    assert check.finding_rows == 2 * len(in_json)


def test_restatement__smallest_difference_in_each_column__is_kept(warehouse: Warehouse) -> None:
    before, after = pairs(VALUES)
    load(warehouse, before, report_level=NOT_BILLED)

    again = load(warehouse, after, number=2, report_level=NOT_BILLED)

    differing = {column: len(list(permutations(values, 2))) for column, values in VALUES.items()}
    other_keys = sum(differing.pop(column) for column in (*KEY, "measurement_unit", "is_range"))
    assert again.restatement == Restatement(sum(differing.values()), new=other_keys, vanished=other_keys)
    kept = query(
        warehouse, "SELECT offering_item, before, after FROM usage_restatement WHERE change = 'changed'"
    )
    for change in kept:
        column = change["offering_item"].split()[0]
        assert json.loads(change["before"])[column] != json.loads(change["after"])[column]
    assert Counter(change["offering_item"].split()[0] for change in kept) == differing


def test_duplicates__keys_of_equal_hash__are_no_duplicates(warehouse: Warehouse) -> None:
    rows = [row(tenant_id=tenant) for tenant in TWINS]

    assert load(warehouse, rows).outcome == "loaded"
    with pytest.raises(LoadStoppedError, match=r"duplicates: .*rows 1, 3"):
        load(warehouse, [*rows, rows[0]], number=2)
