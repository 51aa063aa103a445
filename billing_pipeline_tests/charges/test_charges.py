"""Charges: worked figures, from usage rows and price files to the lines of an invoice."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import duckdb
import pytest

from billing_pipeline.periods import BillingPeriod
from billing_pipeline_tests.charges.books import (
    AUGUST,
    OCTOBER,
    A,
    B,
    Books,
    C,
    compute_points,
    count,
    decimals,
    gib,
    on_partner_storage,
    price,
    terms,
)
from billing_pipeline_tests.warehouse.reports import SEPTEMBER

PER_POINT = {"unit": "compute points"}
PER_UNIT = {"unit": "count"}


def test_charge__flat_price__quantity_has_two_decimals(books: Books) -> None:
    books.usage(gib("1569.1234567890"))
    books.sell(price("PGSTRG", "0.09", storage_ownership="acronis", description="Cloud storage"))

    (line,) = books.charges("* EXCLUDE (charge_period, tenant_id, tenant_name, customer_id)")

    assert line == (
        "default", "usage", "storage", "PGSTRG", "acronis", "GiB", *decimals("0", "1569.12", "0.09", "0.09"),
        "EUR", Decimal("141.22"), None, None, "Cloud storage", "standard", 2,
    )  # fmt: skip


def test_charge__more_decimals__printed_quantity_is_multiplied(books: Books) -> None:
    books.usage(gib("0.3349999999"))
    books.sell(price("PGSTRG", "15.00"))

    assert books.charges() == [decimals("0.33", "15", "4.95")]


@pytest.mark.parametrize(
    ("quantity", "amount"),
    [
        ("8.50", "0.43"),
        ("-8.50", "-0.43"),
        ("20.10", "1.01"),
        ("8.70", "0.44"),
        ("0.10", "0.01"),
        ("0.09", "0.00"),
    ],
)
def test_charge__tie__rounds_half_away_from_zero(books: Books, quantity: str, amount: str) -> None:
    books.usage(compute_points(quantity))
    books.sell(price("CMPTPNTS", "0.05", **PER_POINT))

    assert books.charges() == [decimals(quantity, "0.05", amount)]


@pytest.mark.parametrize(
    ("exact", "billed"),
    [
        ("0.125", "0.13"),
        ("0.375", "0.38"),
        ("123456789.125", "123456789.13"),
        ("99999999.625", "99999999.63"),
    ],
)
def test_charge__tie_in_the_quantity__rounds_half_away_from_zero(
    books: Books, exact: str, billed: str
) -> None:
    books.usage(gib(exact))
    books.sell(price("PGSTRG", "0"))

    assert books.charges("quantity") == [decimals(billed)]


@pytest.mark.parametrize(
    ("quantity", "unit_price"),
    [("9999.00", "99.999999"), ("9999.01", "99.999999"), ("9999.00", "100"), ("1234567.89", "0.123456"),
     ("-9999.00", "99.999999"), ("-1234567.89", "12345678.123456")],
)  # fmt: skip
def test_charge__large_amount__is_exact(books: Books, quantity: str, unit_price: str) -> None:
    books.usage(compute_points(quantity))
    books.sell(price("CMPTPNTS", unit_price, **PER_POINT))

    amount = (Decimal(quantity) * Decimal(unit_price)).quantize(Decimal("0.01"), ROUND_HALF_UP)
    assert books.charges("amount") == [(amount,)]


@pytest.mark.parametrize(
    ("usage", "lines"),
    [
        ("1000.00", [("1000.00", "0.09", "90.00")]),
        ("1000.01", [("0.01", "0.08", "0.00"), ("1000.00", "0.09", "90.00")]),
        ("5000.00", [("1000.00", "0.09", "90.00"), ("4000.00", "0.08", "320.00")]),
        (
            "7019.08",
            [("1000.00", "0.09", "90.00"), ("2019.08", "0.07", "141.34"), ("4000.00", "0.08", "320.00")],
        ),
        ("0.004", []),
    ],
)
def test_charge__graduated_tiers__one_line_a_tier(
    books: Books, usage: str, lines: list[tuple[str, str, str]]
) -> None:
    books.usage(gib(usage))
    books.sell(price("PGSTRG", "0.07", "5000"), price("PGSTRG", "0.09"), price("PGSTRG", "0.08", "1000"))

    assert books.charges() == [decimals(*line) for line in lines]
    assert books.ask("FROM unpriced_usage") == []


def test_charge__negative_quantity__priced_in_first_tier(books: Books) -> None:
    books.usage(compute_points("-1000"))
    books.sell(price("CMPTPNTS", "0.09", **PER_POINT), price("CMPTPNTS", "0.01", "10", **PER_POINT))

    assert books.charges() == [decimals("-1000", "0.09", "-90")]


@pytest.mark.parametrize(
    ("seats", "lines"), [(8, [("3", "2.10", "6.30"), ("5", "0", "0.00")]), (5, [("5", "0", "0.00")])]
)
def test_charge__included_quantity__is_free(
    books: Books, seats: int, lines: list[tuple[str, str, str]]
) -> None:
    books.usage(count(seats, offering_item="pg_o365_seats"))
    of_item = {"offering_item": "pg_o365_seats", **PER_UNIT}
    books.sell(price("", "0", **of_item), price("", "2.10", "5", **of_item))

    assert books.charges() == [decimals(*line) for line in lines]


def test_charge__several_prices__own_list_then_sku_then_ownership(books: Books) -> None:
    books.usage(
        *(gib("100", "STSTRG", tenant) for tenant in (A, B, C)),
        *(on_partner_storage("100", "STSTRG", tenant) for tenant in (A, B, C)),
    )
    books.write_terms(terms(B, price_list="gold"), terms(C, price_list="gold2"))
    books.sell(
        price("", "0.99", offering_item="storage"),
        price("STSTRG", "0.03", storage_ownership="partner"),
        price("STSTRG", "0.10"),
        price("STSTRG", "0.07", price_list="gold"),
        price("STSTRG", "0.06", price_list="gold2", valid_from="2026-10"),
    )

    assert books.charges("tenant_id, storage_ownership, amount") == [
        (A, "acronis", Decimal(10)),
        (A, "partner", Decimal(3)),
        (B, "acronis", Decimal(7)),
        (B, "partner", Decimal(7)),
        (C, "acronis", Decimal(10)),
        (C, "partner", Decimal(3)),
    ]


def test_charge__own_list_by_item__beats_standard_list_by_sku(books: Books) -> None:
    books.usage(gib("100", "STSTRG"))
    books.write_terms(terms(A, price_list="gold"))
    books.sell(price("STSTRG", "0.01"), price("", "0.05", offering_item="storage", price_list="gold"))

    assert books.charges("amount, price_list, price_row") == [(Decimal(5), "gold", 3)]


def test_charge__discount__unit_price_is_exact(books: Books) -> None:
    books.usage(gib("1569.12"))
    books.write_terms(terms(A, discount_percent="7.5"))
    books.sell(price("PGSTRG", "0.09"))

    assert books.charges("list_unit_price, unit_price, amount") == [decimals("0.09", "0.08325", "130.63")]


def test_charge__most_decimals__unit_price_is_exact(books: Books) -> None:
    books.usage(gib("1"))
    books.write_terms(terms(A, discount_percent="0.01"))
    books.sell(price("PGSTRG", "99999999.999999"))

    assert books.charges("unit_price, amount") == [decimals("99989999.9999990001", "99990000.00")]


@pytest.mark.parametrize(
    ("minimum", "lines"),
    [
        ("50.00", [("minimum", "41.00"), ("usage", "9.00")]),
        ("9.00", [("usage", "9.00")]),
        ("9.01", [("minimum", "0.01"), ("usage", "9.00")]),
    ],
)
def test_charge__minimum__difference_is_a_line(
    books: Books, minimum: str, lines: list[tuple[str, str]]
) -> None:
    books.usage(gib("100"), gib("1", tenant_id=B))
    books.write_terms(terms(A, minimum=minimum))
    books.sell(price("PGSTRG", "0.09"))

    assert books.charges("line_kind, amount", f"tenant_id = '{A}'") == [
        (kind, Decimal(amount)) for kind, amount in lines
    ]
    of_minimum = books.charges(
        "description, quantity * unit_price = amount, currency", "line_kind = 'minimum'"
    )
    assert of_minimum == [("Minimum monthly charge", True, "EUR")] * (len(lines) - 1)


@pytest.mark.parametrize("usage_of_c", [[], [gib("0", tenant_id=C, tenant_name="Zoë")]])
def test_charge__minimum_without_usage__is_charged(books: Books, usage_of_c: list[dict[str, Any]]) -> None:
    books.usage(gib("100"), *usage_of_c)
    books.write_terms(terms(C, minimum="50.00"))
    books.sell(price("PGSTRG", "0.09"))

    assert books.charges("tenant_name, line_kind, amount, currency", f"tenant_id = '{C}'") == [
        ("Zoë" if usage_of_c else None, "minimum", Decimal(50), "EUR")
    ]


def test_charge__minimum_in_month_without_valid_price__is_not_charged(books: Books) -> None:
    books.usage(gib("100"), period=AUGUST)
    books.usage(gib("100"))
    books.write_terms(terms(C, minimum="50.00"))
    books.sell(price("PGSTRG", "0.09", valid_from="2026-09"))

    assert books.charges("charge_period", "line_kind = 'minimum'") == [("2026-09-01",)]


def test_charge__minimum_that_has_ended__is_not_charged(books: Books) -> None:
    books.usage(gib("100"))
    books.write_terms(
        terms(A, minimum="50", valid_to="2026-08"), terms(B, minimum="50", valid_from="2026-10")
    )
    books.sell(price("PGSTRG", "0.09"))

    assert books.charges("line_kind, amount") == [("usage", Decimal(9))]


def test_charge__minimum_of_several_months__each_by_itself(books: Books) -> None:
    books.usage(gib("100"), period=AUGUST)
    books.usage(gib("1000"))
    books.write_terms(terms(A, minimum="50.00"))
    books.sell(price("PGSTRG", "0.09"))

    assert books.charges("charge_period, amount", "line_kind = 'minimum'") == [("2026-08-01", Decimal(41))]


def test_charge__many_lines__each_is_rounded(books: Books) -> None:
    books.usage(*(count(1, f"SKU{number}", offering_item=f"item_{number}") for number in range(10)))
    books.sell(*(price(f"SKU{number}", "0.125", **PER_UNIT) for number in range(10)))

    assert books.charges("count(*), min(amount), max(amount), sum(amount)") == [
        (10, *decimals("0.13", "0.13", "1.30"))
    ]


@pytest.mark.parametrize(("quantity", "amount"), [("12.34", "679"), ("12.30", "677"), ("-12.30", "-677")])
def test_charge__yen__has_no_decimals(books: Books, quantity: str, amount: str) -> None:
    books.usage(compute_points(quantity))
    books.sell(price("CMPTPNTS", "55", currency="JPY", **PER_POINT))

    assert books.charges("amount, currency") == [(Decimal(amount), "JPY")]


def test_unpriced_usage__missing_price_or_other_unit__is_listed(books: Books) -> None:
    books.usage(
        gib("1405.72", None, offering_item="notary_storage"),
        count(1, offering_item="euc_count"),
        count(3, "PGSTRG", offering_item="boxed_storage"),
        gib("0.0049", None, offering_item="tiny_storage"),
        gib("2", "OLD", offering_item="old_storage"),
    )
    books.sell(
        price("PGSTRG", "0.09"),
        price("", "0", offering_item="euc_count", **PER_UNIT),
        price("OLD", "1", valid_to="2026-08"),
    )

    assert books.charges("offering_item, quantity, amount") == [("euc_count", Decimal(1), Decimal(0))]
    assert books.ask(
        "SELECT offering_item, sku, unit, quantity, reason FROM unpriced_usage ORDER BY ALL"
    ) == [
        ("boxed_storage", "PGSTRG", "count", Decimal("3.00"), "other unit"),
        ("notary_storage", None, "GiB", Decimal("1405.72"), "no price"),
        ("old_storage", "OLD", "GiB", Decimal("2.00"), "not valid in that month"),
    ]


def test_unpriced_usage__other_list_or_ownership__is_no_price(books: Books) -> None:
    books.usage(gib("1", "A"), gib("1", "B", offering_item="other"))
    books.sell(price("A", "1", price_list="gold"), price("B", "1", storage_ownership="partner"))

    assert books.ask("SELECT sku, reason FROM unpriced_usage ORDER BY ALL") == [
        ("A", "no price"),
        ("B", "no price"),
    ]


def test_charge__price_changes__each_month_has_its_own(books: Books) -> None:
    for period in (AUGUST, SEPTEMBER, OCTOBER):
        books.usage(gib("100"), period=period)
    books.sell(price("PGSTRG", "0.09", valid_to="2026-09"), price("PGSTRG", "0.095", valid_from="2026-10"))

    assert books.charges("charge_period, amount") == [
        ("2026-08-01", Decimal(9)),
        ("2026-09-01", Decimal(9)),
        ("2026-10-01", Decimal("9.5")),
    ]


def test_charge__terms_change__each_month_has_its_own(books: Books) -> None:
    for period in (AUGUST, SEPTEMBER, OCTOBER):
        books.usage(gib("100"), period=period)
    books.write_terms(
        terms(A, discount_percent="50", valid_to="2026-08"),
        terms(A, discount_percent="10", valid_from="2026-10"),
    )
    books.sell(price("PGSTRG", "1"))

    assert books.charges("amount") == [decimals("50"), decimals("90"), decimals("100")]


def test_charge__editions_and_storages__are_one_line(books: Books) -> None:
    more = {"infra_id": "40000000-0000-4000-8000-000000000002"}
    books.usage(gib("0.333"), gib("0.333", **more), gib("0.333", edition="advanced"))
    books.sell(price("PGSTRG", "10"))

    assert books.charges() == [decimals("1.00", "10", "10.00")]


def test_charge__two_currencies_of_a_customer__stop_the_month(books: Books) -> None:
    for period in (AUGUST, SEPTEMBER):
        books.usage(gib("1"), count(1, "SEATS"), gib("1", tenant_id=B), period=period)
    books.write_prices(
        price("PGSTRG", "1"), price("SEATS", "1", currency="USD", valid_from="2026-09", **PER_UNIT)
    )

    (warning,) = books.prices("load")

    assert warning == (
        f"warning: 2026-09: Bäckerei Müller, GmbH ({A}) has prices in EUR (sell.csv row 2)"
        " and USD (sell.csv row 3)"
    )
    assert books.charges("charge_period, tenant_id") == [("2026-08-01", A), ("2026-08-01", B)]
    assert books.ask("SELECT tenant_id, currency, price_row FROM currency_conflict ORDER BY ALL") == [
        (A, "EUR", 2),
        (A, "USD", 3),
    ]


def test_charge__two_currencies_of_two_customers__are_charged(books: Books) -> None:
    books.usage(gib("1"), gib("1", tenant_id=B))
    books.write_terms(terms(B, price_list="us", minimum="3"))
    books.sell(price("PGSTRG", "1"), price("PGSTRG", "2", price_list="us", currency="USD"))

    assert books.charges("tenant_id, line_kind, amount, currency") == [
        (A, "usage", Decimal(1), "EUR"),
        (B, "minimum", Decimal(1), "USD"),
        (B, "usage", Decimal(2), "USD"),
    ]


def test_charge__minimum_in_another_currency__stops_the_month(books: Books) -> None:
    books.usage(gib("1", tenant_id=B))
    books.write_terms(terms(B, price_list="us", minimum="3"))
    books.write_prices(price("PGSTRG", "1"), price("OTHER", "2", price_list="us", currency="USD"))

    assert f"({B}) has prices in EUR (sell.csv row 2) and USD (sell.csv row 3)" in books.prices("load")[-1]
    assert books.charges() == []


def test_charge__nothing_loaded__is_empty(books: Books) -> None:
    books.usage(gib("1"))

    for view in ("charge", "unpriced_usage", "margin", "currency_conflict"):
        assert books.ask(f"FROM {view}") == []


def test_margin__cost_of_buy_prices__is_exact(books: Books) -> None:
    books.usage(gib("1569.12"), count(8, "SEATS"))
    books.write_prices(price("PGSTRG", "0.062"), name="buy.csv")
    books.sell(price("PGSTRG", "0.09"), price("SEATS", "2", **PER_UNIT))

    assert books.ask("SELECT sku, amount, cost, margin, margin_percent FROM margin ORDER BY sku") == [
        ("PGSTRG", *decimals("141.22", "97.285440", "43.934560"), "31.1"),
        ("SEATS", Decimal(16), None, None, None),
    ]


def test_margin__tiers_on_both_sides__cost_by_part(books: Books) -> None:
    books.usage(gib("250"))
    books.write_prices(price("PGSTRG", "0.05"), price("PGSTRG", "0.01", "150"), name="buy.csv")
    books.sell(price("PGSTRG", "0.2"), price("PGSTRG", "0.1", "100"))

    assert books.charges("from_quantity, quantity, amount, cost, cost_currency") == [
        (*decimals("0", "100", "20", "5"), "EUR"),
        (*decimals("100", "150", "15", "3.5"), "EUR"),
    ]
    assert books.ask("SELECT quantity, amount, cost, margin FROM margin") == [
        decimals("250", "35", "8.5", "26.5")
    ]


def test_margin__other_currency__is_unknown(books: Books) -> None:
    books.usage(gib("1"))
    books.write_prices(price("PGSTRG", "1", currency="USD"), name="buy.csv")
    books.sell(price("PGSTRG", "2"))

    assert books.charges("cost, cost_currency") == [(Decimal(1), "USD")]
    assert books.ask("SELECT cost, margin FROM margin") == [(None, None)]


def test_charge_macros__one_month__equal_the_view(books: Books) -> None:
    for period in (AUGUST, SEPTEMBER):
        books.usage(gib("100"), count(3, "SEATS"), count(3, "FREE"), period=period)
    books.write_terms(terms(B, minimum="10"))
    books.sell(price("PGSTRG", "1"), price("SEATS", "1", currency="EUR", **PER_UNIT))

    for view, column in (
        ("charge", "charge_period"),
        ("margin", "charge_period"),
        ("unpriced_usage", "billing_period"),
    ):
        of_month = books.ask(f"FROM {view}_in(DATE '2026-09-01') ORDER BY ALL")
        assert of_month
        assert of_month == books.ask(f"FROM {view} WHERE {column} = '2026-09-01' ORDER BY ALL")


@pytest.mark.parametrize(
    ("view", "column"),
    [
        ("priced_usage", "billing_period"),
        ("unpriced_usage", "billing_period"),
        ("currency_conflict", "billing_period"),
        ("charge", "charge_period"),
        ("margin", "charge_period"),
        ("correction_due", "charge_period"),
    ],
)
def test_charge_view__filtered_by_month__leaves_other_months_alone(
    books: Books, view: str, column: str
) -> None:
    june = BillingPeriod(2026, 6)
    for period in (june, SEPTEMBER):
        books.usage(gib("100"), gib("5", "ACRCLST"), period=period)
    books.sell(price("PGSTRG", "1"))
    # So many bytes that their conversion to GiB overflows: whatever evaluates this month fails.
    books.warehouse.change(
        lambda connection: connection.execute(
            "ALTER TABLE usage ALTER absolute_production TYPE DECIMAL(38, 0);"
            f"UPDATE usage SET absolute_production = 1e30 WHERE billing_period = '{june.start}';"
            f"INSERT INTO period_closing BY NAME SELECT '{june.start}'::DATE AS billing_period,"
            " 'closed' AS action, now() AS acted_at"
        )
    )

    books.ask(f"FROM {view} WHERE {column} = '{SEPTEMBER.start}'")

    with pytest.raises(duckdb.OutOfRangeException):
        books.ask(f"FROM {view} WHERE {column} = '{june.start}'")


def test_charge__month_of_before__reads_only_loaded_months(books: Books) -> None:
    books.usage(gib("1"))
    books.write_terms(terms(A, minimum="10"))
    books.sell(price("PGSTRG", "1"))

    assert books.ask(f"FROM charge_in(DATE '{BillingPeriod(2026, 7).start}')") == []
