"""Properties of charges, judged by a reference in plain `Decimal`."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from billing_pipeline.charges import load_prices
from billing_pipeline_tests.charges.books import Books, price, terms
from billing_pipeline_tests.charges.reference import Files, Usage, expected_month, money, rounded
from billing_pipeline_tests.warehouse.reports import ROOT, points, row, storage

pytestmark = pytest.mark.slow

TENANTS = [f"30000000-0000-4000-8000-00000000000{letter}" for letter in "abcd"]
# Each list has one currency, so that a minimum has one.
CURRENCIES = {"standard": "EUR", "gold": "EUR", "yen": "JPY"}
OWN_STORAGE = {"infra_id": "40000000-0000-4000-8000-000000000003", "infra_owner_id": ROOT}
# Offering item, SKU, storage ownership and unit, as a report can have them.
KINDS = [
    *(
        ("storage", sku, ownership, "GiB")
        for sku in ("S1", "S2", None)
        for ownership in ("acronis", "partner")
    ),
    *(("compute_points", sku, None, "compute points") for sku in ("P1", None)),
    *(("workstations", sku, None, "count") for sku in ("S1", "W1", None)),
]
SUBJECTS = [
    (sku, item, ownership, unit)
    for sku, item in (("S1", ""), ("S2", ""), ("P1", ""), ("W1", ""), ("", "storage"), ("", "compute_points"),
                      ("", "workstations"))
    for ownership, unit in (("", "GiB"), ("acronis", "GiB"), ("partner", "GiB"), ("", "compute points"),
                            ("", "count"))
]  # fmt: skip

amounts = st.integers(-3000, 60000)
money_texts = st.decimals(0, 100, places=2).map(str)
unit_prices = st.one_of(
    st.decimals(0, 20, places=6), st.sampled_from([Decimal(0), Decimal("0.125"), Decimal("0.05")])
).map(str)
limits = st.lists(st.decimals("0.01", 500, places=2), max_size=3, unique=True).map(sorted)
# Months of two versions of a price or of terms; usage is of 2026-09.
validities = st.sampled_from(
    [
        [("2026-01", "")],
        [("2025-01", "2026-08"), ("2026-09", "")],
        [("2026-09", "2026-09")],
        [("2026-01", "2026-08")],
        [("2026-10", "")],
    ]
)


@st.composite
def usages(draw: st.DrawFn) -> list[tuple[dict[str, Any], Usage]]:
    """Rows of a report, each with the quantity that it bills."""
    found = []
    for number in range(draw(st.integers(1, 12))):
        tenant, kind = draw(st.sampled_from(TENANTS)), draw(st.sampled_from(KINDS))
        _, sku, ownership, unit = kind
        value = draw(amounts)
        columns: dict[str, Any] = {"tenant_id": tenant, "sku": sku, "edition": f"edition {number}"}
        if unit == "GiB":
            size = max(value, 0) * draw(st.sampled_from([2**30 // 200, 2**30 // 100 + 1, 2**28]))
            where = OWN_STORAGE if ownership == "partner" else {}
            report_row = storage(absolute_production=size, **where, **columns)
            quantity = rounded(Decimal(size) / 2**30, 10)
        elif unit == "count":
            report_row, quantity = row(absolute_production=max(value, 0), **columns), Decimal(max(value, 0))
        else:
            report_row = points(delta_production=value, **columns)
            quantity = rounded(Decimal(value) / 3600, 2)
        found.append((report_row, Usage(tenant, kind, quantity)))
    return found


@st.composite
def price_rows(draw: st.DrawFn, lists: tuple[str, ...] = tuple(CURRENCIES)) -> list[dict[str, str]]:
    """Prices with graduated tiers, in random order."""
    found = []
    subjects = st.tuples(st.sampled_from(lists), st.sampled_from(SUBJECTS))
    for price_list, (sku, item, ownership, unit) in draw(st.lists(subjects, max_size=25, unique=True)):
        for valid_from, valid_to in draw(validities):
            for limit in ("", *map(str, draw(limits))):
                cells = {"offering_item": item, "storage_ownership": ownership, "unit": unit}
                months = {"valid_from": valid_from, "valid_to": valid_to, "currency": CURRENCIES[price_list]}
                found.append(price(sku, draw(unit_prices), limit, price_list=price_list, **cells, **months))
    return draw(st.permutations(found))


@st.composite
def customer_rows(draw: st.DrawFn) -> list[dict[str, str]]:
    """Terms of some of the customers."""
    return [
        terms(
            tenant,
            price_list=draw(st.sampled_from(["", *CURRENCIES])),
            discount_percent=draw(st.decimals(0, 100, places=2).map(str)),
            minimum=draw(st.one_of(st.just(""), money_texts)),
            valid_from=valid_from,
            valid_to=valid_to,
        )
        for tenant in draw(st.lists(st.sampled_from(TENANTS), unique=True))
        for valid_from, valid_to in draw(validities)
    ]


files_of_prices = st.builds(Files, sell=price_rows(), buy=price_rows(), customers=customer_rows())


# An example takes about a second, and shrinking needs hundreds.
@settings(
    max_examples=15,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(usages(), files_of_prices, st.randoms(use_true_random=False))
def test_charges__random_month__equal_the_reference(
    books: Books, usage: list[tuple[dict[str, Any], Usage]], files: Files, shuffling: random.Random
) -> None:
    # A price list must be in sell.csv, and have one currency at any time.
    always = {"unit": "count", "valid_from": "2020-01"}
    files.sell.extend(
        price("X", "1", price_list=name, currency=CURRENCIES[name], **always) for name in CURRENCIES
    )
    books.usage(*(report_row for report_row, _ in usage))
    load_files(books, files)

    expected = expected_month([billed for _, billed in usage], files, "2026-09")
    lines = charged(books)
    assert Counter(lines) == Counter(expected.lines)
    assert set(unpriced(books)) == expected.unpriced
    check_quantities(lines)

    for rows in (files.sell, files.buy, files.customers):
        shuffling.shuffle(rows)
    load_files(books, files)
    assert Counter(charged(books)) == Counter(lines)


def load_files(books: Books, files: Files) -> None:
    books.write_prices(*files.sell)
    books.write_prices(*files.buy, name="buy.csv")
    books.write_terms(*files.customers)
    load_prices(books.warehouse, books.path("sell.csv").parent)


def charged(books: Books) -> list[tuple[Any, ...]]:
    return books.charges(
        "tenant_id, line_kind, offering_item, sku, storage_ownership, unit, from_quantity, quantity,"
        " list_unit_price, unit_price, currency, amount, cost"
    )


def unpriced(books: Books) -> Iterator[tuple[Any, ...]]:
    yield from books.ask(
        "SELECT tenant_id, offering_item, sku, storage_ownership, unit, quantity FROM unpriced_usage"
    )


def check_quantities(lines: list[tuple[Any, ...]]) -> None:
    """Each line can be recomputed, and its tiers are filled in order."""
    by_item: dict[tuple[Any, ...], list[tuple[Decimal, Decimal]]] = defaultdict(list)
    for line in lines:
        start, quantity, _, unit_price, currency, amount = line[6:12]
        assert money(quantity * unit_price, currency) == amount
        if line[1] == "usage":
            by_item[line[:6]].append((start, quantity))
    for parts in by_item.values():
        done = Decimal(0)
        for start, quantity in sorted(parts):
            assert start == done
            done += quantity
