"""Money on the month's page, and the files beside it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from billing_pipeline.month_report import write_month_report
from billing_pipeline.periods import BillingPeriod
from billing_pipeline_tests.charges.books import AUGUST, OCTOBER, A, B, Books, count, gib, price, terms
from billing_pipeline_tests.month_report.written_page import WrittenPage, read_page
from billing_pipeline_tests.warehouse.reports import SEPTEMBER

LARGEST = "Largest charges, EUR"
INVOICED, DUE = "Corrections on this month’s invoices", "Corrections due with the next closing"


def page_of(books: Books, period: BillingPeriod = SEPTEMBER) -> WrittenPage:
    path = books.data_dir / "page.html"
    write_month_report(books.warehouse, period, path)
    return read_page(path)


def total(books: Books, where: str) -> str:
    ((amount,),) = books.lines("sum(amount)", where)
    return f"{Decimal(amount):,.2f}"


def test_page__closed_month__its_lines_and_what_they_correct(month_end: Books) -> None:
    page = page_of(month_end)
    ((lines, corrected),) = month_end.lines("count(*), sum(amount)", "entry <> 'charge'")

    assert "The month is closed" in page.text
    invoiced = total(month_end, "charge_period = '2026-09-01'")
    assert [row[2] for row in page.tables[LARGEST] if row[0].startswith("Total")] == [invoiced]
    assert page.tables[INVOICED][1:] == [["2026-08", str(lines), f"+{corrected:,.2f}", "EUR"]]
    assert DUE not in page.tables

    changed = month_end.path("sell.csv").read_text().replace(",0.05,", ",0.06,")
    month_end.path("sell.csv").write_text(changed)
    month_end.prices("load", "--force")
    month_end.usage(gib("730.40", "PRTLCST"), period=OCTOBER)
    closed, open_month = page_of(month_end), page_of(month_end, OCTOBER)

    assert closed.tables[LARGEST] == page.tables[LARGEST]
    assert closed.tables[INVOICED] == page.tables[INVOICED]
    due = [
        [month, str(lines), f"+{Decimal(amount):,.2f}", "EUR"]
        for month, lines, amount in month_end.ask(
            "SELECT strftime(charge_period, '%Y-%m') AS month, count(*), sum(amount) FROM correction_due"
            " GROUP BY month ORDER BY month"
        )
    ]
    assert [row[0] for row in due] == ["2026-08", "2026-09"]
    assert closed.tables[DUE][1:] == due[1:]
    assert open_month.tables[DUE][1:] == due
    assert "The month is open" in open_month.text


def test_close__pages_of_corrected_and_open_months__are_renewed(books: Books) -> None:
    for period in (AUGUST, SEPTEMBER, OCTOBER):
        books.usage(gib("10"), period=period)
    books.sell(price("PGSTRG", "1"))
    books.close(AUGUST)
    books.restate(gib("12"), period=AUGUST)
    for period in (AUGUST, SEPTEMBER, OCTOBER):
        books.run("report", "--period", period.key)
    left = books.data_dir / "reports" / ".charge-2026-08.csv.0.partial"
    left.write_text("of a killed process")

    def pages() -> list[bool]:
        """Of August and October: whether corrections are due."""
        folder = books.data_dir / "reports"
        return [DUE in read_page(folder / f"2026-{month}.html").tables for month in ("08", "10")]

    assert pages() == [True, True]
    books.close(SEPTEMBER)
    assert pages() == [False, False]
    books.run("reopen", "--period", "2026-09", "--void")
    assert pages() == [True, True]
    assert not left.exists()


def test_page__yen__has_no_decimals_and_one_minus(books: Books) -> None:
    books.usage(gib("1234.5", tenant_name="Alder"), period=AUGUST)
    books.usage(gib("1000.5", tenant_name="Alder"), count(3, tenant_name="Alder"))
    books.write_terms(terms(A, minimum="20000"))
    books.sell(price("PGSTRG", "10.00", currency="JPY"), price("PGSTRG", "1", unit="count", currency="JPY"))

    page = page_of(books)

    assert page.tables["Largest charges, JPY"][1:] == [
        ["Alder", "2", "20,000"],
        ["Total of 1", "2", "20,000"],
    ]
    assert "Largest changes since 2026-08, JPY" not in page.tables, "the minimum makes up for the quantity"
    assert page.tables["Lines of Alder"][1:] == [
        ["storage", "PGSTRG", "acronis", "GiB", "1,000.50", "", "−234.00", "10,005"],
        ["workstations", "", "", "count", "3", "", "+3", "not charged"],
        ["minimum monthly charge", "", "", "", "", "", "", "9,995"],
    ]
    ((item, *_, reason),) = page.tables["Usage without a price"][1:]
    assert (item, reason) == ("workstations", "no price")


def test_page__two_currencies__names_them_and_no_charges(books: Books) -> None:
    books.usage(gib("10"), count(1, "STWRKSTTNS"))
    books.sell(price("PGSTRG", "0.07"), price("STWRKSTTNS", "3", unit="count", currency="USD"))

    page = page_of(books)

    assert "has prices in EUR (sell.csv row 2) and USD (sell.csv row 3)" in page.text
    assert "The month has no charges." in page.text


def test_page__twenty_customers__the_others_complete_the_total(books: Books) -> None:
    for period, factor in ((AUGUST, 1), (SEPTEMBER, 2)):
        books.usage(
            *(gib(str(n * factor), tenant_id=f"{A[:-2]}{n:02d}", tenant_name=f"T{n}") for n in range(1, 21)),
            period=period,
        )
    books.sell(price("PGSTRG", "0.015"))

    page = page_of(books)

    charged = page.tables[LARGEST][1:]
    assert [row[0] for row in charged[:15]] == [f"T{n}" for n in range(20, 5, -1)]
    assert charged[15:] == [["5 others", "5", "0.45"], ["Total of 20", "20", "6.30"]]
    changed = page.tables["Largest changes since 2026-08, EUR"][1:]
    assert [row[0] for row in changed[:10]] == [f"T{n}" for n in range(20, 10, -1)]
    # In August, 0.015 times an odd quantity is rounded up.
    assert changed[10:] == [
        ["10 others", "0.85", "1.65", "+0.80", "±0", "+0.80"],
        ["Total of 20", "3.20", "6.30", "+3.10", "±0", "+3.10"],
    ]


def test_report__then_closing__files_beside_the_page(books: Books) -> None:
    books.usage(gib("10"), period=AUGUST)
    books.usage(gib("10"), gib("5", tenant_id=B))
    folder = books.data_dir / "reports"

    def files() -> list[str]:
        return sorted(path.name for path in folder.iterdir() if path.suffix)

    def linked(page: str) -> list[str]:
        return [link for link in read_page(folder / page).links if not link.startswith("#")]

    for period in (AUGUST, SEPTEMBER):
        books.run("report", "--period", period.key)
    assert linked("2026-09.html") == ["index.html", "billable_usage-2026-09.csv"]

    books.sell(price("PGSTRG", "0.07"))
    usage, charges, lines = (f"{name}-2026-09.csv" for name in ("billable_usage", "charge", "invoice_line"))
    assert linked("2026-09.html") == ["index.html", usage, charges]

    books.close(SEPTEMBER)
    assert linked("2026-09.html") == ["index.html", usage, lines]
    assert linked("index.html") == [
        "2026-09.html",
        usage,
        lines,
        "2026-08.html",
        "billable_usage-2026-08.csv",
        "charge-2026-08.csv",
    ]
    assert files() == sorted(["index.html", *linked("index.html")])
    assert (folder / lines).read_text().count("\n") == 3

    books.run("reopen", "--period", "2026-09", "--void")
    assert linked("2026-09.html") == ["index.html", usage, charges]
    assert "The month is open" in read_page(folder / "2026-09.html").text
    assert lines not in files()


def test_prices_load__pages_exist__those_of_open_months_show_them(books: Books) -> None:
    books.usage(gib("10"), period=AUGUST)
    books.usage(gib("10"))
    books.sell(price("PGSTRG", "0.07"))
    assert not (books.data_dir / "reports").exists()
    for period in (AUGUST, SEPTEMBER):
        books.run("report", "--period", period.key)
    books.close(AUGUST)

    books.write_prices(price("PGSTRG", "0.09"))
    books.prices("load", "--force")

    pages = (read_page(books.data_dir / "reports" / f"{period}.html") for period in (AUGUST, SEPTEMBER))
    assert [page.tables[LARGEST][-1][2] for page in pages] == ["0.70", "0.90"]


def test_report__output__writes_the_page_alone(
    books: Books, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    books.usage(gib("10"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    books.run("report", "--period", "2026-09", "--output", "page.html")

    assert [path.name for path in Path().iterdir()] == ["page.html"]
    assert all(link.startswith("#") for link in read_page(Path("page.html")).links)
    assert not (books.data_dir / "reports").exists()
