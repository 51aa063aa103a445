"""Invoice lines: what closing a month freezes, and how later months correct it, in worked figures."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from billing_pipeline.charges.checks import run_checks
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
    price,
    terms,
)
from billing_pipeline_tests.warehouse.reports import SEPTEMBER

NOVEMBER = OCTOBER.next()
OF_AUGUST = "charge_period = '2026-08-01'"
FIGURES = "entry, quantity, unit_price, amount"
PER_POINT = {"unit": "compute points"}
PER_UNIT = {"unit": "count"}


def vms(quantity: int, tenant_id: str) -> dict[str, Any]:
    return count(quantity, "VMS", tenant_id, offering_item="vms")


def entry(kind: str, *figures: str) -> tuple[Any, ...]:
    return (kind, *decimals(*figures))


def frozen(books: Books) -> list[tuple[Any, ...]]:
    return books.ask("FROM invoice_line ORDER BY ALL")


@pytest.fixture
def restated(books: Books) -> Books:
    """August is closed and restated; September is loaded."""
    books.usage(gib("7019.08", "ACRCLST", B), vms(15, A), period=AUGUST)
    books.sell(price("ACRCLST", "0.08"), price("VMS", "2.50", **PER_UNIT))
    assert books.close(AUGUST) == ["Invoiced: 599.03 EUR, 2 lines, 2 customers"]
    assert books.ask("FROM correction_due") == []
    books.restate(gib("7031.58", "ACRCLST", B), vms(2, C), period=AUGUST)
    books.usage(gib("7100.00", "ACRCLST", B))
    return books


CORRECTIONS = [
    (A, *entry("reversal", "-15.00", "2.50", "-37.50")),
    (B, *entry("recharge", "7031.58", "0.08", "562.53")),
    (B, *entry("reversal", "-7019.08", "0.08", "-561.53")),
    (C, *entry("recharge", "2.00", "2.50", "5.00")),
]


def test_close__charges__are_frozen(books: Books) -> None:
    books.usage(gib("1569.1234567890", customer_id="00149", tenant_name="Zoë"))
    books.write_prices(price("PGSTRG", "0.06"), name="buy.csv")
    books.sell(price("PGSTRG", "0.09", description="Cloud storage"))
    charges = books.ask("SELECT * FROM charge")

    assert books.close(SEPTEMBER, "--note", "run 9") == ["Invoiced: 141.22 EUR, 1 line, 1 customer"]

    added = "billing_period, entry, report_id, price_sha256, closed_at, voided_at"
    assert books.lines(f"* EXCLUDE ({added})") == charges
    assert books.ask(
        "SELECT line.billing_period, entry, customer_id, line.report_id = (SELECT report_id FROM usage),"
        " price_sha256 = sha256, line.closed_at = closed_period.closed_at, note, voided_at"
        " FROM invoice_line AS line, price_load, closed_period WHERE file = 'sell.csv'"
    ) == [("2026-09-01", "charge", "00149", True, True, True, "run 9", None)]


def test_correction_due__restated_month__shows_what_will_be_invoiced(restated: Books) -> None:
    due = restated.ask(f"SELECT tenant_id, {FIGURES} FROM correction_due ORDER BY ALL")

    assert due == CORRECTIONS
    assert restated.lines("sum(amount)") == [decimals("599.03")]


def test_close__earlier_month_restated__reverses_and_recharges(restated: Books) -> None:
    of_august = frozen(restated)

    assert restated.close(SEPTEMBER) == [
        "Invoiced: 568.00 EUR, 1 line, 1 customer",
        "Corrections of 2026-08: -31.50 EUR, 4 lines, 3 customers",
    ]

    september = "billing_period = '2026-09-01'"
    assert restated.lines(f"tenant_id, {FIGURES}", f"{september} AND {OF_AUGUST}") == CORRECTIONS
    assert restated.lines(FIGURES, "charge_period = '2026-09-01'") == [
        entry("charge", "7100.00", "0.08", "568.00")
    ]
    assert restated.lines("sum(amount)") == restated.ask("SELECT sum(amount) FROM charge")
    assert restated.lines("sum(amount)") == [decimals("1135.53")]
    assert [line for line in frozen(restated) if line in of_august] == of_august
    assert restated.ask("FROM correction_due") == []
    assert restated.ask(
        f"SELECT tenant_id, lines, amount, corrections FROM invoice WHERE {september} ORDER BY ALL"
    ) == [
        (A, 1, *decimals("-37.50", "-37.50")),
        (B, 3, *decimals("569.00", "1.00")),
        (C, 1, *decimals("5.00", "5.00")),
    ]  # fmt: skip


def test_close__twice__adds_nothing(restated: Books) -> None:
    restated.close(SEPTEMBER)
    lines = frozen(restated)

    restated.run("close", "--period", "2026-09", status=1)
    assert frozen(restated) == lines
    restated.run("reopen", "--period", "2026-09")
    assert frozen(restated) == lines
    assert restated.close(SEPTEMBER) == ["Nothing new was invoiced."]
    assert frozen(restated) == lines


@pytest.mark.parametrize(
    ("usage", "minimum", "total"),
    [("900", ["-20", "10"], "0"), ("1100", ["-20"], "10"), ("1000", ["-20"], "0")],
)
def test_close__minimum_of_restated_month__is_corrected(
    books: Books, usage: str, minimum: list[str], total: str
) -> None:
    books.write_terms(terms(A, minimum="100.00", valid_to="2026-08"))
    books.usage(gib("800"), period=AUGUST)
    books.sell(price("PGSTRG", "0.10"))
    books.close(AUGUST)
    assert books.lines("amount") == [decimals("20"), decimals("80")]
    books.restate(gib(usage), period=AUGUST)
    books.usage(gib("1", tenant_id=B))

    books.close(SEPTEMBER)

    corrected = f"{OF_AUGUST} AND entry <> 'charge'"
    amounts = books.lines("amount", f"{corrected} AND line_kind = 'minimum'")
    assert amounts == [decimals(amount) for amount in sorted(minimum, key=Decimal)]
    assert books.lines("amount", f"{corrected} AND line_kind = 'usage'") == [
        decimals("-80"), (Decimal(usage) / 10,),
    ]  # fmt: skip
    assert books.lines("sum(amount)", corrected) == [decimals(total)]


def test_close__tier_of_restated_month_is_gone__is_reversed(books: Books) -> None:
    books.usage(gib("1010.00"), period=AUGUST)
    books.sell(price("PGSTRG", "0.09"), price("PGSTRG", "0.08", "1000"))
    books.close(AUGUST)
    books.restate(gib("990.00"), period=AUGUST)
    books.usage(gib("1", tenant_id=B))

    books.close(SEPTEMBER)

    assert books.lines(FIGURES, OF_AUGUST) == [
        entry("charge", "10", "0.08", "0.80"),
        entry("charge", "1000", "0.09", "90.00"),
        entry("recharge", "990", "0.09", "89.10"),
        entry("reversal", "-1000", "0.09", "-90.00"),
        entry("reversal", "-10", "0.08", "-0.80"),
    ]
    assert books.lines("sum(amount)", f"{OF_AUGUST} AND entry <> 'charge'") == [decimals("-1.70")]


def test_close__restated_there_and_back__each_line_is_exact(books: Books) -> None:
    books.usage(compute_points("10.01"), period=AUGUST)
    books.sell(price("CMPTPNTS", "0.05", **PER_POINT))
    books.close(AUGUST)
    books.restate(compute_points("10.10"), period=AUGUST)
    assert books.ask("SELECT amount FROM correction_due ORDER BY ALL") == [
        decimals("-0.50"),
        decimals("0.51"),
    ]
    for period, usage in ((SEPTEMBER, "10.01"), (OCTOBER, "10.01")):
        books.usage(compute_points("1", B), period=period)
        books.close(period)
        books.restate(compute_points(usage), period=AUGUST)

    assert books.lines("entry, amount", OF_AUGUST) == [
        entry("charge", "0.50"),
        entry("recharge", "0.50"),
        entry("recharge", "0.51"),
        entry("reversal", "-0.51"),
        entry("reversal", "-0.50"),
    ]
    assert books.lines("sum(quantity), sum(amount)", OF_AUGUST) == [decimals("10.01", "0.50")]


def test_close__same_amount_at_another_price__is_corrected(books: Books) -> None:
    books.usage(gib("0.01"), period=AUGUST)
    books.sell(price("PGSTRG", "0.09"))
    books.close(AUGUST)
    books.write_prices(price("PGSTRG", "0.10"))
    books.prices("load", "--force")

    assert books.ask(f"SELECT {FIGURES} FROM correction_due ORDER BY ALL") == [
        entry("recharge", "0.01", "0.10", "0.00"),
        entry("reversal", "-0.01", "0.09", "0.00"),
    ]


def test_close__customer_or_item_renamed__is_no_correction(books: Books) -> None:
    books.usage(gib("1", tenant_name="Müller GmbH"), period=AUGUST)
    books.sell(price("PGSTRG", "0.09", description="Storage"))
    books.close(AUGUST)
    books.restate(gib("1", tenant_name="Müller AG"), period=AUGUST)
    books.sell(price("PGSTRG", "0.09", description="Cloud storage"))

    assert books.ask("FROM correction_due") == []


NOTARY, COUNTED = "notary_storage", {"offering_item": "pg_vms"}
LOCAL = {"infra_id": None, "infra_owner_id": None}


@pytest.fixture
def unpriced(books: Books) -> Books:
    """A month with usage that has no price, or one for another unit."""
    books.usage(
        gib(
            "1405.72",
            None,
            offering_item=NOTARY,
            infra_id=None,
            infra_owner_id=None,
            tenant_name="Stadtwerke",
        ),
        gib("0.0049", "OTHER", offering_item="other"),
        count(1, offering_item="euc_count"),
        count(3, "PGSTRG", **COUNTED),
        count(2, "PGSTRG", B, **COUNTED),
    )
    books.sell(price("PGSTRG", "0.09"), price("", "0", offering_item="euc_count", **PER_UNIT))
    return books


UNPRICED = [
    "2026-09: 1405.72 GiB of notary_storage (without SKU), Stadtwerke: no price",
    "2026-09: 5.00 count of PGSTRG (pg_vms), 2 customers: other unit",
]


def test_close__usage_without_price__is_refused_and_named(unpriced: Books) -> None:
    _, err = unpriced.run("close", "--period", "2026-09", status=1)

    *items, message = err
    assert items == UNPRICED
    assert message == (
        "billing-pipeline close: period 2026-09: 2 items have no price, so the invoices would be incomplete. "
        "Add the prices (0 for what is free of charge) and load them with billing-pipeline prices load, or "
        "close the period with --force, which is recorded."
    )
    assert unpriced.ask("FROM period_closing") == unpriced.ask("FROM invoice_line") == []


def test_close__usage_without_price_forced__is_recorded(unpriced: Books) -> None:
    out, err = unpriced.run("close", "--period", "2026-09", "--force")

    assert out[1:] == ["Invoiced: 0.00 EUR, 1 line, 1 customer"]
    assert err == [f"warning: not invoiced: {item}" for item in UNPRICED]
    assert unpriced.ask("SELECT action, forced FROM period_closing") == [("closed", True)]
    assert unpriced.lines(FIGURES) == [entry("charge", "1", "0", "0")]


def test_close__price_added_after_forced_closing__is_recharged(unpriced: Books) -> None:
    unpriced.close(SEPTEMBER, "--force")
    unpriced.write_prices(
        price("PGSTRG", "0.09"),
        price("PGSTRG", "1", **PER_UNIT),
        price("", "0", offering_item="euc_count", **PER_UNIT),
    )
    unpriced.prices("load", "--force")
    unpriced.usage(gib("1", tenant_id=C), period=OCTOBER)

    out, err = unpriced.run("close", "--period", "2026-10")

    assert out[1:] == [
        "Invoiced: 0.09 EUR, 1 line, 1 customer",
        "Corrections of 2026-09: 5.00 EUR, 2 lines, 2 customers",
    ]
    assert err == [f"warning: not invoiced: {UNPRICED[0]}"]
    assert unpriced.ask("SELECT forced FROM period_closing ORDER BY acted_at") == [(True,), (False,)]


def test_close__corrected_price_of_closed_month__is_invoiced_next(books: Books) -> None:
    for period in (AUGUST, SEPTEMBER, OCTOBER):
        books.usage(gib("100"), period=period)
    old = {"valid_to": "2026-09"}
    new = {"valid_from": "2026-10"}
    books.sell(price("PGSTRG", "0.09", **old), price("PGSTRG", "0.095", **new))
    books.close(AUGUST)
    books.close(SEPTEMBER)
    books.write_prices(
        price("PGSTRG", "0.09", valid_to="2026-08"), price("PGSTRG", "0.095", valid_from="2026-09")
    )
    assert books.prices("load", status=1)[0].startswith("2026-09 is closed, and would cost 9.50 EUR")
    assert books.ask("FROM correction_due") == []
    books.prices("load", "--force")

    assert books.close(OCTOBER) == [
        "Invoiced: 9.50 EUR, 1 line, 1 customer",
        "Corrections of 2026-09: 0.50 EUR, 2 lines, 1 customer",
    ]
    assert books.lines("charge_period, sum(amount)", "true GROUP BY charge_period") == [
        ("2026-08-01", Decimal("9.00")),
        ("2026-09-01", Decimal("9.50")),
        ("2026-10-01", Decimal("9.50")),
    ]


def test_close__month_end__three_invoices(month_end: Books) -> None:
    september = "billing_period = '2026-09-01'"
    lines = month_end.lines("tenant_id, charge_period, amount", september)

    assert lines == sorted(
        (tenant, month, Decimal(amount))
        for tenant, month, amounts in [
            (A, "2026-08-01", "-130.74 131.54"),
            (A, "2026-09-01", "83.25 296.00 130.74 6.50 72.87"),
            (B, "2026-09-01", "0.00 6.30"),
            (C, "2026-08-01", "-36.52 45.00 -13.48 5.00"),
            (C, "2026-09-01", "36.52 13.48"),
        ]
        for amount in amounts.split()
    )
    assert len(lines) == 15
    assert month_end.lines("DISTINCT unit_price", f"{september} AND from_quantity = 5000") == [
        decimals("0.06475")
    ]
    invoices = f"SELECT tenant_id, lines, amount, currency FROM invoice WHERE {september} ORDER BY ALL"
    assert month_end.ask(invoices) == [
        (A, 7, Decimal("590.16"), "EUR"),
        (B, 2, Decimal("6.30"), "EUR"),
        (C, 6, Decimal("50.00"), "EUR"),
    ]  # fmt: skip


def test_close__no_prices__one_hint(books: Books) -> None:
    books.usage(gib("1"))

    assert books.close(SEPTEMBER) == ["No prices are loaded, so nothing was charged (docs/prices.md)."]
    assert books.ask("FROM invoice_line") == []


def test_close__price_file_without_rows__freezes_nothing(books: Books) -> None:
    books.usage(gib("1"))
    books.sell()

    assert books.close(SEPTEMBER) == ["No prices are loaded, so nothing was charged (docs/prices.md)."]


def test_close__price_file_not_in_force__is_refused_without_force(books: Books) -> None:
    last = BillingPeriod.last_complete()
    books.usage(gib("10"), period=last)
    books.sell(price("PGSTRG", "1"))
    books.run("status", "--check")
    books.write_prices(price("PGSTRG", "2.5"))
    books.write_prices(price("PGSTRG", "1"), name="buy.csv")

    _, err = books.run("close", "--period", "last", status=1)
    out, _ = books.run("status", "--check", status=3)

    assert f"{last}: buy.csv and sell.csv differ from the prices in force" in err[-1]
    assert "prices  not in force: buy.csv, sell.csv (billing-pipeline prices load)" in out
    assert books.ask("FROM period_closing") == []
    assert books.close(last, "--force") == ["Invoiced: 10.00 EUR, 1 line, 1 customer"]
    books.prices("load", "--force")
    books.run("status", "--check")


def test_close__price_file_never_loaded__is_refused_without_force(books: Books) -> None:
    books.usage(gib("10"))
    books.write_prices(price("PGSTRG", "1"))

    _, err = books.run("close", "--period", "2026-09", status=1)

    assert "2026-09: sell.csv differs from the prices in force" in err[-1]


def test_close__closed_month_restated_with_unpriced_usage__names_it_once(books: Books) -> None:
    books.usage(gib("10"), period=AUGUST)
    books.sell(price("PGSTRG", "1"))
    books.close(AUGUST)
    books.restate(gib("10"), gib("500", "NEW", B), period=AUGUST)
    for month in (SEPTEMBER, OCTOBER):
        books.usage(gib("10"), period=month)

    _, september = books.run("close", "--period", "2026-09")
    _, october = books.run("close", "--period", "2026-10")

    (line,) = september
    assert line.startswith(
        "warning: not invoiced: 2026-08: 500.00 GiB of NEW (storage) on storage of acronis"
    )
    assert october == []


def test_close__twice__says_how_to_close_again(books: Books) -> None:
    books.usage(gib("1"))
    books.close(SEPTEMBER)

    _, err = books.run("close", "--period", "2026-09", status=1)

    assert "Reopen it with `billing-pipeline reopen --period 2026-09`" in err[0]


@pytest.mark.parametrize(
    ("period", "message"), [("2199-01", "the period has not ended"), ("２０２６-09", "Write it as YYYY-MM")]
)
def test_close__no_ended_month__is_refused(books: Books, period: str, message: str) -> None:
    books.usage(gib("1"))

    _, err = books.run("close", "--period", period, status=1)

    assert message in err[0]
    assert books.ask("FROM period_closing") == []


def test_close__amounts_of_millions__are_exact_in_checks_and_focus(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BILLING_INVOICE_ISSUER", "Example MSP Ltd")
    books.usage(count(20_000, "SEATS"), vms(90_000_000, B))
    books.write_prices(price("SEATS", "200", **PER_UNIT), name="buy.csv")
    books.sell(price("SEATS", "150.5", **PER_UNIT), price("VMS", "99999999.999999", **PER_UNIT))

    with books.warehouse.reading() as connection:
        found = {check.check_name: check for check in run_checks(connection, SEPTEMBER)}
    assert "20000.00 count of SEATS" in found["below_cost"].detail
    assert books.close(SEPTEMBER) == ["Invoiced: 9,000,000,003,009,910.00 EUR, 2 lines, 2 customers"]
    out, _ = books.run("export", "--period", "2026-09", "--table", "focus", "--output", "-")
    assert sum("8999999999999910.000000000000" in line or "3010000.000000000000" in line for line in out) == 2


def test_close__two_currencies__is_refused_by_force_too(books: Books) -> None:
    books.usage(gib("1"), count(1, "SEATS"))
    books.sell(price("PGSTRG", "0.09"), price("SEATS", "1", currency="USD", **PER_UNIT))

    _, err = books.run("close", "--period", "2026-09", "--force", status=1)

    assert err[0].startswith("2026-09: Bäckerei Müller, GmbH")
    assert "2026-09: a customer has prices in two currencies" in err[1]
    assert books.ask("FROM period_closing") == []


def test_close__closed_month_got_two_currencies__is_refused(books: Books) -> None:
    books.usage(gib("1"), period=AUGUST)
    books.sell(price("PGSTRG", "0.09"), price("SEATS", "1", currency="USD", **PER_UNIT))
    books.close(AUGUST)
    books.restate(gib("1"), count(1, "SEATS"), period=AUGUST)
    books.usage(gib("1"))

    assert books.ask("FROM correction_due") == []
    _, err = books.run("close", "--period", "2026-09", status=1)
    assert "period 2026-08: a customer has prices in two currencies" in err[1]
    assert books.lines("amount") == [decimals("0.09")]


def test_close__closed_month_without_lines_got_prices__is_recharged(books: Books) -> None:
    for period in (AUGUST, SEPTEMBER):
        books.usage(gib("100"), period=period)
    books.close(AUGUST)
    books.write_prices(price("PGSTRG", "0.09"))
    books.prices("load", "--force")

    books.close(SEPTEMBER)

    assert books.lines("billing_period, charge_period, entry") == [
        ("2026-09-01", "2026-08-01", "recharge"),
        ("2026-09-01", "2026-09-01", "charge"),
    ]


def test_close__later_month_first__each_is_charged_once(books: Books) -> None:
    for period in (AUGUST, SEPTEMBER):
        books.usage(gib("100"), period=period)
    books.sell(price("PGSTRG", "0.09"))

    books.close(SEPTEMBER)
    books.close(AUGUST)

    assert books.lines("billing_period, charge_period, entry") == [
        ("2026-08-01", "2026-08-01", "charge"),
        ("2026-09-01", "2026-09-01", "charge"),
    ]


@pytest.fixture
def reopened(books: Books) -> Books:
    """August is closed, reopened and loaded again."""
    books.usage(gib("100"), period=AUGUST)
    books.sell(price("PGSTRG", "0.09"))
    books.close(AUGUST)
    books.run("reopen", "--period", "2026-08")
    books.usage(gib("200"), period=AUGUST, number=2)
    return books


def test_close__reopened_month_differs__adds_the_difference(reopened: Books) -> None:
    assert reopened.ask("FROM correction_due") == []

    assert reopened.close(AUGUST) == ["Corrections of 2026-08: 9.00 EUR, 2 lines, 1 customer"]

    assert reopened.lines("billing_period, entry, amount") == [
        ("2026-08-01", "charge", Decimal(9)),
        ("2026-08-01", "recharge", Decimal(18)),
        ("2026-08-01", "reversal", Decimal(-9)),
    ]
    assert reopened.ask("SELECT lines, amount, corrections FROM invoice") == [(3, *decimals("18", "9"))]


def test_close__other_month_is_open__is_not_corrected(reopened: Books) -> None:
    reopened.usage(gib("1"))

    assert reopened.close(SEPTEMBER) == ["Invoiced: 0.09 EUR, 1 line, 1 customer"]


def test_reopen_void__last_month__is_frozen_anew(restated: Books) -> None:
    restated.close(SEPTEMBER)
    of_august = restated.lines("*", "billing_period = '2026-08-01'")

    out, _ = restated.run("reopen", "--period", "2026-09", "--void", "--note", "never sent")

    assert out[1] == "Invoice lines voided: 5. Closing it again freezes new ones."
    assert restated.lines("*") == of_august
    assert restated.ask("SELECT count(*), count(voided_at) FROM invoice_line") == [(7, 5)]
    assert restated.ask("SELECT DISTINCT billing_period FROM invoice") == [("2026-08-01",)]
    assert restated.ask(f"SELECT tenant_id, {FIGURES} FROM correction_due ORDER BY ALL") == CORRECTIONS
    assert restated.ask("SELECT action, note FROM period_closing ORDER BY acted_at") == [
        ("closed", None), ("closed", None), ("voided", "never sent"),
    ]  # fmt: skip
    restated.usage(gib("7200.00", "ACRCLST", B), number=3)
    restated.close(SEPTEMBER)
    assert restated.lines("entry, amount", "charge_period = '2026-09-01'") == [entry("charge", "576")]
    assert restated.lines("sum(amount)") == restated.ask("SELECT sum(amount) FROM charge")


def test_reopen_void__another_month_closed_later__is_refused(restated: Books) -> None:
    restated.close(SEPTEMBER)
    lines = frozen(restated)

    _, err = restated.run("reopen", "--period", "2026-08", "--void", status=1)

    assert "period 2026-08: 2026-09 was closed later" in err[0]
    assert frozen(restated) == lines
    assert len(restated.ask("FROM closed_period")) == 2
    restated.run("reopen", "--period", "2026-09", "--void")
    restated.run("reopen", "--period", "2026-08", "--void")
    assert restated.lines("*") == []
    assert restated.close(AUGUST) == ["Invoiced: 567.53 EUR, 2 lines, 2 customers"]


def test_reopen_void__closed_again_after_another_month__is_refused(reopened: Books) -> None:
    reopened.usage(gib("1"))
    reopened.close(SEPTEMBER)
    reopened.close(AUGUST)

    for month in ("2026-08", "2026-09"):
        reopened.run("reopen", "--period", month, "--void", status=1)


def test_reopen_void__no_lines__reopens(books: Books) -> None:
    books.usage(gib("1"))
    books.close(SEPTEMBER)

    books.run("reopen", "--period", "2026-09", "--void")

    assert books.ask("FROM closed_period") == []


def test_closing__clock_set_back__lines_keep_their_order(restated: Books) -> None:
    ahead = "UPDATE {} SET {} = {} + INTERVAL 2 DAYS"
    for table, column in (("invoice_line", "closed_at"), ("period_closing", "acted_at")):
        statement = ahead.format(table, column, column)
        restated.warehouse.change(lambda connection, sql=statement: connection.execute(sql))  # type: ignore[misc]

    restated.close(SEPTEMBER)

    restated.run("reopen", "--period", "2026-08", "--void", status=1)
    restated.run("reopen", "--period", "2026-09", "--void")


def test_close__warehouse_of_an_earlier_version__is_extended(books: Books) -> None:
    books.usage(gib("1"))
    books.sell(price("PGSTRG", "0.09"))
    earlier = (
        "ALTER TABLE period_closing DROP COLUMN forced; ALTER TABLE invoice_line DROP COLUMN voided_at;"
        " UPDATE schema_version SET fingerprint = 'earlier'"
    )
    books.warehouse.change(lambda connection: connection.execute(earlier))

    assert books.close(SEPTEMBER) == ["Invoiced: 0.09 EUR, 1 line, 1 customer"]
