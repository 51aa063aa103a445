"""The questions about money, on worked figures; and every documented query on what `make demo` loads."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from billing_pipeline.charges import load_prices
from billing_pipeline.cli.demo.run import copy_demo_prices
from billing_pipeline.month_report import write_month_report
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.warehouse import WarehouseFile
from billing_pipeline_tests.charges.books import (
    AUGUST,
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
from billing_pipeline_tests.charges.invoices_page import PAGE as INVOICES_PAGE
from billing_pipeline_tests.charges.page_files import PAGE as PRICES_PAGE
from billing_pipeline_tests.demo_months import DemoMonths
from billing_pipeline_tests.month_report.written_page import read_page
from billing_pipeline_tests.questions import PAGE, PAGES, answer, queries
from billing_pipeline_tests.warehouse.reports import ROOT, SEPTEMBER, STORAGE_2

D = C[:-1] + "d"
# What the demo does not have: closed months, restatements, two currencies, a customer with own terms.
_EMPTY_ON_THE_DEMO = re.compile(
    r"FROM (invoice|invoice_line|invoiced_charge|correction_due|customer_minimum|focus_cost_and_usage)\b"
    r"|HAVING less > 0"
)


def asked(books: Books, heading: str, **instead: str) -> list[tuple[Any, ...]]:
    """The answer to the question below a heading of the page; names of customers for their ids."""
    section = PAGE.read_text(encoding="utf-8").split(f"### {heading}\n")[1].split("\n#")[0]
    ((question, _),) = queries(section)
    for before, after in instead.items():
        question = question.replace(before, after)
    return books.ask(question)


@pytest.fixture
def month(books: Books) -> Books:
    """August and September of four customers: tiers, a discount, an own list, a minimum, unpriced usage."""
    names = {A: "Alder", B: "Birch", C: "Cedar", D: "Dogwood"}
    august = [
        gib("1200", tenant_id=A),
        gib("100", tenant_id=B),
        gib("300", tenant_id=D),
        count(1, tenant_id=C),
    ]
    stated = {"pricing_currency": "EUR"}
    september = [
        gib("1000", tenant_id=A, total_cost=70, **stated),
        on_partner_storage("50", tenant_id=A),
        gib("500", tenant_id=A, infra_id=STORAGE_2, total_cost=30, **stated),
        gib("200", tenant_id=B, total_cost=20, **stated),
        compute_points("100", tenant_id=B),
        count(10, "STWRKSTTNS", tenant_id=C),
        count(5, tenant_id=C, offering_item="euc_count"),
        gib("300", tenant_id=D, total_cost=24, pricing_currency="USD"),
        gib("2050", tenant_id=ROOT, tenant_kind="partner"),
        compute_points("100", tenant_id=ROOT, tenant_kind="partner"),
        count(10, "STWRKSTTNS", tenant_id=ROOT, tenant_kind="partner"),
        # The root tenant may count its children, too.
        count(7, tenant_id=ROOT, tenant_kind="partner", offering_item="euc_count"),
    ]
    for period, rows in ((AUGUST, august), (SEPTEMBER, september)):
        books.usage(
            *(row | {"tenant_name": names.get(row["tenant_id"], "Root")} for row in rows), period=period
        )
    books.write_terms(
        terms(A, discount_percent="10.00"),
        terms(C, minimum="40", valid_to="2026-08"),
        terms(C, minimum="50", valid_from="2026-09"),
        terms(D, price_list="silver"),
    )
    books.write_prices(
        price("PGSTRG", "0.06"),
        price("STWRKSTTNS", "3", unit="count"),
        price("STWRKSTTNS", "2", "4", unit="count"),
        name="buy.csv",
    )
    hosted = {"storage_ownership": "acronis"}
    books.sell(
        price("PGSTRG", "0.09", valid_to="2026-08", **hosted),
        price("PGSTRG", "0.05", "1000", valid_to="2026-08", **hosted),
        price("PGSTRG", "0.10", valid_from="2026-09", **hosted),
        price("PGSTRG", "0.05", "1000", valid_from="2026-09", **hosted),
        price("CMPTPNTS", "0.07", unit="compute points"),
        price("PGSTRG", "0.08", price_list="silver", **hosted),
    )
    return books


def test_unpriced_question__tiers_of_cost__costs_each_part(month: Books) -> None:
    assert asked(month, "What has no price, and what did it cost us?") == [
        ("workstations", "STWRKSTTNS", "count", 1, *decimals("10", "24"), "EUR"),
        ("storage", "PGSTRG", "GiB", 1, *decimals("50", "3"), "EUR"),
        ("euc_count", None, "count", 1, *decimals("5"), None, None),
    ]


def test_least_question__no_cost_and_minimum__margin_of_what_is_known(month: Books) -> None:
    assert [
        (*row[:-2], float(row[-2])) for row in asked(month, "Which customers have the lowest margin?")
    ] == [
        ("Dogwood", *decimals("24"), None, *decimals("18", "6"), 25.0),
        ("Birch", *decimals("27", "7", "12", "8"), 40.0),
        ("Alder", *decimals("112.50"), None, *decimals("90", "22.50"), 20.0),
        ("Cedar", *decimals("50"), None, *decimals("0", "50"), 100.0),
    ]


def test_list_question__another_list__discounts_tiers_and_fallback(month: Books) -> None:
    # Both with Birch's 100 compute points, 7.00 on standard; Alder's discount is 10 %.
    assert asked(month, "What would another price list have made of this month?") == [
        ("standard", 3, *decimals("169.50"), "EUR"),  # 112.50 + 20.00 + 30.00 + 7.00
        ("silver", 3, *decimals("155.00"), "EUR"),  # 108.00 + 16.00 + 24.00 + 7.00
    ]


def test_less_question__discount_and_own_list__against_standard(month: Books) -> None:
    assert asked(month, "Who pays less than the list?") == [
        ("Alder", "standard", *decimals("10", "125", "112.50", "12.50"), "EUR"),
        ("Dogwood", "silver", *decimals("0", "30", "24", "6"), "EUR"),
    ]


def test_change_question__price_quantity_and_minimum__add_up(month: Books) -> None:
    # Before, now, change; by price, quantity, minimum.
    assert asked(month, "How much of a change is price, and how much is quantity?") == [
        ("Alder", *decimals("90", "112.50", "22.50", "9", "13.50", "0"), "EUR"),
        ("Birch", *decimals("9", "27", "18", "2", "16", "0"), "EUR"),
        ("Cedar", *decimals("40", "50", "10", "0", "0", "10"), "EUR"),
        ("Dogwood", *decimals("24", "24", "0", "0", "0", "0"), "EUR"),
    ]


def test_page__same_month__agrees_with_the_questions(month: Books) -> None:
    write_month_report(month.warehouse, SEPTEMBER, month.data_dir / "page.html")
    page = read_page(month.data_dir / "page.html")

    # Amount, cost, margin and its share of what has a known cost.
    assert [[row[0], *row[2:]] for row in page.tables["Largest charges, EUR"][1:]] == [
        ["Alder", "112.50", "90.00", "22.50", "20.0"],
        ["Cedar", "50.00", "0.00", "50.00", "100.0"],
        ["Birch", "27.00", "12.00", "8.00", "40.0"],
        ["Dogwood", "24.00", "18.00", "6.00", "25.0"],
        ["Total of 4", "213.50", "120.00", "86.50", "41.9"],
    ]
    assert "leave out 7.00 EUR whose cost is unknown" in page.text
    assert "213.50 EURrevenue+50.50 against 2026-08" in page.text
    assert "86.50 EURmargin, 41.9 %+19.50 against 2026-08, 41.1 %" in " ".join(page.text.split())
    assert page.tables["Largest changes since 2026-08, EUR"][1:] == [
        ["Alder", "90.00", "112.50", "+22.50", "+9.00", "+13.50", "±0"],
        ["Birch", "9.00", "27.00", "+18.00", "+2.00", "+16.00", "±0"],
        ["Cedar", "40.00", "50.00", "+10.00", "±0", "±0", "+10.00"],
        ["Total of 3", "139.00", "189.50", "+50.50", "+11.00", "+29.50", "+10.00"],
    ]
    assert [[*row[:3], *row[3:5], row[6]] for row in page.tables["Usage without a price"][1:]] == [
        ["storage", "PGSTRG", "partner", "1", "50.00", "no price"],
        ["workstations", "STWRKSTTNS", "", "1", "10", "no price"],
        ["euc_count", "", "", "1", "5", "no price"],
    ]


def test_row_question__two_storages_of_acronis__not_the_partners(month: Books) -> None:
    heading = "Which report row and which price row does a line come from?"

    assert asked(month, heading, **{"dc2f3cdc-40e6-4b99-820f-cd9c225172af": A}) == [
        ("PGSTRG", *decimals("0", "1000", "90"), 4, "[1, 3]"),
        ("PGSTRG", *decimals("1000", "500", "22.50"), 5, "[1, 3]"),
    ]


def test_reported_question__other_currency__is_not_compared(month: Books) -> None:
    assert asked(month, "Does our charge agree with the cost that the report states?") == [
        ("Alder", "storage", *decimals("100", "112.50", "12.50"), "EUR"),
        ("Birch", "storage", *decimals("20", "20", "0"), "EUR"),
        ("Dogwood", "storage", *decimals("24"), None, None, "USD"),
    ]


def test_resold_question__own_rows__equal_what_was_resold_and_not(month: Books) -> None:
    assert asked(month, "Does what Acronis bills agree with what we resold?") == [
        ("euc_count", None, *decimals("7", "0", "5", "2"), "count"),
        ("storage", "PGSTRG", *decimals("2050", "2000", "50", "0"), "GiB"),
        ("compute_points", "CMPTPNTS", *decimals("100", "100", "0", "0"), "compute points"),
        ("workstations", "STWRKSTTNS", *decimals("10", "0", "10", "0"), "count"),
    ]


@pytest.mark.slow
def test_documented_queries__months_and_prices_of_the_demo__have_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BILLING_DATA_DIR", str(tmp_path))
    periods = [BillingPeriod(2026, month) for month in (8, 9, 10)]
    warehouse = WarehouseFile(tmp_path)
    DemoMonths().load(warehouse, periods)
    copy_demo_prices(tmp_path / "prices")
    load_prices(warehouse, tmp_path / "prices")
    pages = [page.read_text(encoding="utf-8") for page in (*PAGES, PRICES_PAGE, INVOICES_PAGE)]
    questions = {question for page in pages for question, _ in queries(page)}

    empty = [question for question in questions if answer(question).endswith("\n(0 rows)")]

    assert [question for question in empty if not _EMPTY_ON_THE_DEMO.search(question)] == []
    assert [question for question in questions if "2026" in question] == []
