"""Price files: every fault of every row at once, and all or nothing."""

from __future__ import annotations

import hashlib
import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest
from filelock import FileLock

from billing_pipeline.charges import close_period, load_prices, reopen_period
from billing_pipeline.cli import main as billing_pipeline
from billing_pipeline_tests.charges.books import (
    AUGUST,
    OCTOBER,
    PRICE_COLUMNS,
    A,
    B,
    Books,
    count,
    decimals,
    gib,
    price,
    terms,
)
from billing_pipeline_tests.warehouse.reports import SEPTEMBER

FAULTY = """\
price_list,sku,offering_item,storage_ownership,unit,from_quantity,unit_price,currency,valid_from,valid_to,description
standard,S2,,,GiB,,0.09,EUR,2026-01,,
standard,S3,,acronis,count,,0,EUR,2026-01,2026-12,"Included, always"
standard,S4,,,GiB,,"0,05",EUR,2026-01,,
standard,S5,,,GiB,,"1,234.50",EUR,2026-01,,
standard,S6,,,GiB,,-2.50,EUR,2026-01,,
standard,S7,,,GiB,,0.09,,2026-01,,
standard,S8,,,GiB,,0.09,EURO,2026-01,,
standard,S9,,,GiB,,,EUR,2026-01,,
standard,S10,,,GiB,,0.0900009,EUR,2026-01,,
standard,S11,,,GB,,0.09,EUR,2026-01,,
standard,,,,GiB,,0.09,EUR,2026-01,,
standard,S13,storage,,GiB,,0.09,EUR,2026-01,,
standard,S14,,,GiB,,0.09,EUR,2026-1,,
standard,S15,,,GiB,,0.09,EUR,2026-05,2026-04,
standard,S16,,,GiB,,0.09,EUR,2026-01,,
standard,S16,,,GiB,0,0.08,EUR,2026-01,,
standard,S18,,,GiB,,0.09,EUR,2026-01,2026-06,
standard,S18,,,GiB,,0.10,EUR,2026-06,,
standard,S20,,,GiB,1000,0.09,EUR,2026-01,,
standard,S21,,,GiB,,0.09,EUR,2026-01,,
standard,S21,,,GiB,100,0.08,USD,2026-01,,
standard,S23 ,,,GiB,,€2.50,EUR,2026-01,,
standard,S24,,,GiB,,9e-2,EUR,2026-01,,
standard,S25,,mine,GiB,,0.09,EUR,2026-01,,
"""
FAULTS = """\
4 unit_price "0,05" has a comma: write 0.05, with a point and without thousands separators
5 unit_price "1,234.50" has a comma: write 1234.50, with a point and without thousands separators
6 unit_price "-2.50" is negative
7 currency is missing
8 currency "EURO" is not an ISO 4217 code
9 unit_price is missing: write 0 for what is free of charge
10 unit_price "0.0900009" has more than 6 decimals
11 unit "GB" is none of GiB, compute points, count
12 give sku or offering_item
13 give sku or offering_item, not both
14 valid_from "2026-1" is not a month like 2026-09
15 ends before it begins
17 the same price twice, rows 16 and 17
19 valid in 2026-06 like row 18
20 no tier begins at 0
22 tiers in 2 currencies
23 sku has spaces around it
23 unit_price "€2.50" is not a number
24 unit_price "9e-2" is not a number
25 storage_ownership "mine" is neither acronis nor partner
"""


def faults(books: Books, *arguments: str) -> list[str]:
    """The faults that a refused load names, without the closing line."""
    *lines, last = books.prices(*(arguments or ("load",)), status=1)
    assert last.startswith("billing-pipeline prices: ")
    return lines


@pytest.mark.parametrize("action", ["load", "check"])
def test_prices__faulty_file__every_fault_is_named(books: Books, action: str) -> None:
    books.usage(gib("1", "S2"))
    books.sell(price("S2", "7"))
    books.path("sell.csv").write_text(FAULTY, encoding="utf-8")

    expected = [f"sell.csv row {': '.join(line.split(' ', 1))}" for line in FAULTS.splitlines()]

    assert faults(books, action) == expected
    assert books.ask("SELECT sku, unit_price FROM price") == [("S2", Decimal(7))]


def test_prices_load__refused__is_recorded(books: Books) -> None:
    books.path("sell.csv").write_text(FAULTY, encoding="utf-8")
    books.write_terms(terms(A, price_list="gold"))
    faults(books)
    books.write_prices(price("S2", "7"))
    books.write_terms()
    books.prices("load", "--force")

    loads = books.ask(
        "SELECT file, sha256, row_count, forced, outcome, reason FROM price_load ORDER BY recorded_at, file"
    )
    customers, sell, *loaded = loads
    assert customers[2:5] == (1, False, "refused")
    assert sell[:5] == ("sell.csv", hashlib.sha256(FAULTY.encode()).hexdigest(), 24, False, "refused")
    assert str(sell[5]).startswith('sell.csv row 4: unit_price "0,05" has a comma')
    assert str(sell[5]).count("; ") == 19
    assert [row[2:] for row in loaded] == [(0, True, "loaded", None), (1, True, "loaded", None)]


def test_prices_load__file_edited_while_it_waits__loads_the_later_one(books: Books) -> None:
    books.usage(gib("1"))
    books.sell(price("PGSTRG", "1"))
    books.write_prices(price("PGSTRG", "2"))

    with ThreadPoolExecutor() as thread:
        with FileLock(books.data_dir / "warehouse.lock"):
            waiting = thread.submit(load_prices, books.warehouse, books.path("sell.csv").parent)
            time.sleep(0.5)
            books.write_prices(price("PGSTRG", "3"))
        assert waiting.result().rows == {"sell.csv": 1}

    assert books.ask("SELECT unit_price FROM price") == [decimals("3")]


def test_prices_load__no_rows__warns_that_nothing_is_charged(books: Books) -> None:
    books.usage(gib("1"))
    books.sell(price("PGSTRG", "1"))
    books.write_prices()

    assert books.prices("check") == ["warning: sell.csv has no prices, so nothing is charged"]
    assert books.prices("load") == ["warning: sell.csv has no prices, so nothing is charged"]
    assert books.charges() == []


def test_prices_load__rows_unreadable__recorded_without_their_number(books: Books) -> None:
    books.path("sell.csv").write_text(FAULTY, encoding="utf-16")
    faults(books)

    assert books.ask("SELECT file, sha256 IS NOT NULL, row_count FROM price_load") == [
        ("sell.csv", True, None)
    ]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "sell.csv row 1: column price_list is missing"),
        (b"sku;unit;unit_price\nA;GiB;0,05\n", "sell.csv row 1: the columns are separated by semicolons"),
        ("sku,Größe\n".encode("latin-1"), "sell.csv: line 1 is not UTF-8: save it as UTF-8"),
        (FAULTY.encode("utf-16"), "sell.csv: is UTF-16: save it as UTF-8"),
        (FAULTY.encode("utf-16-le"), "sell.csv: line 1 has a NUL character"),
        (FAULTY[:200].encode() + b"\0", "sell.csv: line 3 has a NUL character"),
        (FAULTY[:150].encode(), "sell.csv row 2: has 9 cells, the header 11"),
        (FAULTY.replace("always\"", "always").encode(), "sell.csv row 3: is not CSV, or not whole"),
        (FAULTY.replace("unit_price", "price", 1).encode(), 'sell.csv row 1: unknown column "price"'),
        (FAULTY.replace("valid_to", "valid_from", 1).encode(), "sell.csv row 1: column valid_from is there"),
        (FAULTY.replace("S2,,,GiB", "S2,,,GiB,GiB", 1).encode(), "sell.csv row 2: has 12 cells, the header"),
    ],
)  # fmt: skip
def test_prices__unreadable_file__is_refused_with_advice(books: Books, content: bytes, fault: str) -> None:
    books.path("sell.csv").write_bytes(content)

    assert faults(books, "check")[0].startswith(fault)
    assert faults(books)[0].startswith(fault)


def test_prices__huge_file__is_refused_unread(books: Books) -> None:
    with books.path("sell.csv").open("wb") as file:
        file.truncate(100 * 2**20)

    assert faults(books) == ["sell.csv: is larger than 16 MiB, so it is not read"]
    assert books.ask("SELECT sha256, outcome FROM price_load") == [(None, "refused")]


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_prices__not_a_file__is_refused(books: Books, make: object) -> None:
    make(books.path("sell.csv"))  # type: ignore[operator]

    assert faults(books, "check") == ["sell.csv: is not a file"]


def test_prices__no_file__names_the_template(books: Books) -> None:
    (line,) = books.prices("load", status=1)

    assert f"there is no price file {books.path('sell.csv')}" in line
    assert "billing-pipeline prices template" in line
    assert not books.warehouse.exists()


@pytest.mark.parametrize(
    ("cells", "fault"),
    [
        ({"unit_price": "1,234"}, 'unit_price "1,234" has a comma: write 1.234 or 1234, with'),
        ({"unit_price": ",5"}, 'unit_price ",5" has a comma: write 0.5, with'),
        ({"unit_price": "5,"}, 'unit_price "5," has a comma: write 5, with'),
        ({"valid_to": "２０２６-12"}, 'valid_to "２０２６-12" is not a month like 2026-09'),
        ({"unit_price": "1.234.567,89"}, 'unit_price "1.234.567,89" has a comma: write 1234567.89'),
        ({"unit_price": "1_000"}, 'unit_price "1_000" is not a number'),
        ({"unit_price": "+0.09"}, 'unit_price "+0.09" is not a number'),
        ({"unit_price": ".09"}, 'unit_price ".09" is not a number'),
        ({"unit_price": "٣"}, 'unit_price "٣" is not a number'),
        ({"unit_price": " 0.09 "}, "unit_price has spaces around it"),
        ({"unit_price": "NaN"}, 'unit_price "NaN" is not a number'),
        ({"unit_price": "100000000"}, 'unit_price "100000000" is too large'),
        ({"from_quantity": "0.001"}, 'from_quantity "0.001" has more than 2 decimals'),
        ({"currency": "eur"}, 'currency "eur" is not an ISO 4217 code: write EUR'),
        ({"currency": "KWD"}, 'currency "KWD" has 3 decimals, and amounts are calculated with at most 2'),
        ({"valid_to": "2026-13"}, 'valid_to "2026-13" is not a month like 2026-09'),
        ({"valid_from": ""}, "valid_from is missing"),
        ({"price_list": ""}, "price_list is missing"),
        ({"sku": "S\u200b2"}, 'sku "S\\u200b2" has an invisible character'),
        ({"unit": "gib"}, 'unit "gib" is none of GiB, compute points, count'),
    ],
)
def test_prices__faulty_cell__is_refused(books: Books, cells: dict[str, str], fault: str) -> None:
    books.write_prices(price("S2", "1") | cells)

    (line,) = faults(books, "check")
    assert line.startswith(f"sell.csv row 2: {fault}")


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (terms("x"), 'tenant_id "x" is not a UUID'),
        (terms(A, price_list="gold"), 'price_list "gold" is not in sell.csv'),
        (terms(A, discount_percent="100.01"), 'discount_percent "100.01" is more than 100'),
        (terms(A, discount_percent="-5"), 'discount_percent "-5" is negative'),
        (terms(A, discount_percent="7.125"), 'discount_percent "7.125" has more than 2 decimals'),
        (terms(A, minimum="5,00"), 'minimum "5,00" has a comma: write 5.00'),
        (terms(A, valid_to="2025-12"), "ends before it begins"),
        (terms(B.upper(), valid_from="2026-05"), "valid in 2026-05 like row 2"),
        (terms(B), "the same customer twice, rows 2 and 3"),
        (terms(A, price_list="mixed", minimum="5"), "minimum has no certain currency, because"),
        (terms(A, price_list="switch", minimum="5"), "minimum has no certain currency, because"),
    ],
)
def test_prices__faulty_terms__are_refused(books: Books, row: dict[str, str], fault: str) -> None:
    books.write_prices(
        price("S2", "1"),
        price("S2", "1", price_list="mixed"),
        price("S3", "1", price_list="mixed", currency="USD"),
        price("S2", "1", price_list="switch", valid_to="2026-06", currency="BGN"),
        price("S2", "1", price_list="switch", valid_from="2026-07"),
    )
    books.write_terms(terms(B), row)

    (line,) = faults(books, "check")
    assert line.startswith(f"customers.csv row 3: {fault}")


def test_prices__terms_split_where_the_currency_changes__are_accepted(books: Books) -> None:
    books.write_prices(
        price("S2", "1", valid_to="2026-06", currency="BGN"), price("S2", "1", valid_from="2026-07")
    )
    books.write_terms(terms(A, minimum="9", valid_to="2026-06"), terms(A, minimum="5", valid_from="2026-07"))

    books.prices("check")


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        (
            [price("S", "1", valid_to="2026-06"), price("S", "2", "10", valid_from="2026-03")],
            "row 3: in 2026-07 no tier begins at 0",
        ),
        (
            [price("S", "1", "0.00"), price("S", "2", "10", valid_to="2026-03"), price("S", "2", "10.0")],
            "row 4: valid in 2026-01 like row 3",
        ),
        (
            [price("S", "1", valid_to="2026-06"), price("S", "1", valid_from="2026-07", currency="USD"),
             price("S", "2", "10", valid_from="2026-06")],
            "row 4: tiers in 2 currencies",
        ),
    ],
)  # fmt: skip
def test_prices__tiers_that_differ_in_months__are_refused(
    books: Books, rows: list[dict[str, str]], fault: str
) -> None:
    books.write_prices(*rows)

    assert faults(books, "check") == [f"sell.csv {fault}"]


def test_prices__faulty_amount__is_no_missing_tier(books: Books) -> None:
    books.write_prices(price("S", "0,05"), price("S", "0.04", "10"))

    assert len(faults(books, "check")) == 1


def test_prices__faults_in_all_files__are_named_together(books: Books) -> None:
    books.write_prices(price("S", "x"))
    books.write_prices(price("S", "y"), name="buy.csv")
    books.write_terms(terms("z"))

    assert [line.split(":")[0] for line in faults(books)] == [
        "sell.csv row 2",
        "buy.csv row 2",
        "customers.csv row 2",
    ]


def test_prices_load__excel_file__is_read_by_name(books: Books) -> None:
    books.usage(gib("10", "S"))
    rows = (
        ",".join(reversed(PRICE_COLUMNS)),
        '"Größe ""L"", Köln\nund Bonn",,2026-01,EUR,0.50,,GiB,,,S,standard',
        ",,,,,,,,,,",
        "",
    )
    books.path("sell.csv").write_bytes(b"\xef\xbb\xbf" + "\r\n".join(rows).encode())

    books.prices("load")

    assert books.charges("amount, description") == [(Decimal(5), 'Größe "L", Köln\nund Bonn')]


def test_prices_load__rows_shuffled__same_charges(books: Books) -> None:
    books.usage(gib("250"), count(3, "SEATS"), gib("9", tenant_id=B))
    rows = [
        price("PGSTRG", "0.2"),
        price("PGSTRG", "0.1", "100"),
        price("PGSTRG", "0.05", "200"),
        price("PGSTRG", "0.3", price_list="gold", storage_ownership="acronis"),
        price("SEATS", "3", unit="count"),
        price("", "4", offering_item="workstations", unit="count"),
    ]
    books.write_terms(terms(B, price_list="gold", minimum="20"))
    books.sell(*rows)
    before = books.charges("* EXCLUDE (price_row)")
    for seed in range(3):
        random.Random(seed).shuffle(rows)
        books.sell(*rows)
        assert books.charges("* EXCLUDE (price_row)") == before


def test_prices_load__same_files__does_nothing(books: Books) -> None:
    books.sell(price("S", "1"))
    before = books.warehouse.path.read_bytes()

    books.prices("load")

    assert books.warehouse.path.read_bytes() == before


def test_prices_load__file_removed__its_rows_are_gone(books: Books) -> None:
    books.write_prices(price("S", "1"), name="buy.csv")
    books.write_terms(terms(A))
    books.sell(price("S", "1"))
    for name in ("buy.csv", "customers.csv"):
        books.path(name).unlink()

    books.prices("load")

    assert books.ask("SELECT side FROM price") == [("sell",)]
    assert books.ask("FROM customer_terms") == []


def test_prices_load__unknown_names__are_warnings(books: Books) -> None:
    books.usage(gib("1"))
    books.write_terms(terms(B))
    books.write_prices(
        price("PGSTRG", "1"),
        price("NEW", "1"),
        price("NEW", "1", "10"),
        price("", "1", offering_item="vms"),
        price("", "1", offering_item="no_such_item"),
        price("PGSTRG", "1", price_list="Standard"),
    )

    expected = [
        "warning: sell.csv: no usage has the SKU NEW (row 3)",
        "warning: sell.csv: no usage has the offering item no_such_item (row 6)",
        "warning: sell.csv: no customer has the price list Standard (row 7)",
        f"warning: customers.csv: no usage is of the tenant {B}",
    ]
    assert books.prices("check") == expected
    assert books.prices("load") == expected


def test_prices_load__many_unknown_names__are_one_warning(books: Books) -> None:
    books.usage(gib("1"))
    books.write_prices(*(price(f"S{number}", "1") for number in range(1007)))

    (warning,) = books.prices("load")

    assert warning == (
        "warning: sell.csv: no usage has the SKU S0 (row 2), S1 (row 3), S2 (row 4), S3 (row 5), S4 (row 6)"
        " and 1,002 more"
    )


def test_prices_check__whole_files__writes_nothing(books: Books) -> None:
    books.write_prices(price("S", "1"))
    books.prices("check")
    assert not books.warehouse.exists()
    books.usage(gib("1"))
    before = books.warehouse.path.read_bytes()

    books.prices("check")

    assert books.warehouse.path.read_bytes() == before


def test_prices_template__month__has_a_row_for_everything_billed(
    books: Books, capsys: pytest.CaptureFixture[str]
) -> None:
    books.usage(
        gib("1"),
        gib("1", tenant_id=B),
        count(1, None),
        count(3, "SEATS"),
        gib("0.001", "TINY"),
        count(0, "NONE"),
    )

    assert billing_pipeline(["prices", "template", "--period", "2026-09"]) == 0

    written = capsys.readouterr().out
    assert written == (
        "price_list,sku,offering_item,storage_ownership,unit,from_quantity,unit_price,currency,valid_from,valid_to,description\n"
        "standard,PGSTRG,,acronis,GiB,,,,2026-09,,Backup storage\n"
        "standard,SEATS,,,count,,,,2026-09,,Workstations\n"
        "standard,,workstations,,count,,,,2026-09,,Workstations\n"
    )
    books.path("sell.csv").write_text(written, encoding="utf-8")
    assert len(faults(books, "check")) == 6
    books.path("sell.csv").write_text(written.replace(",,,,2026", ",,1,EUR,2026"), encoding="utf-8")
    books.prices("load")
    assert books.ask("FROM unpriced_usage") == []


def test_prices_template__month_not_loaded__is_refused(books: Books) -> None:
    books.usage(gib("1"))

    assert "2026-10: the period is not loaded" in books.prices("template", "--period", "2026-10", status=1)[0]


@pytest.fixture
def closed(books: Books) -> Books:
    """August and September are loaded, and August is closed, at 0.09 each of 100 GiB."""
    for period in (AUGUST, SEPTEMBER):
        books.usage(gib("100"), period=period)
    books.sell(price("PGSTRG", "0.09"))
    close_period(books.warehouse, AUGUST)
    return books


def test_prices_load__closed_month_would_change__needs_force(closed: Books) -> None:
    closed.write_prices(price("PGSTRG", "0.095"))

    expected = ["2026-08 is closed, and would cost 9.50 EUR instead of 9.00 EUR"]
    assert faults(closed, "check") == expected
    assert faults(closed) == expected
    assert closed.charges("amount") == [decimals("9"), decimals("9")]
    assert closed.prices("load", "--force") == [f"warning: {expected[0]}"]
    assert closed.charges("amount") == [decimals("9.5"), decimals("9.5")]
    assert closed.ask("SELECT forced, outcome FROM price_load ORDER BY recorded_at") == [
        (False, "loaded"),
        (False, "refused"),
        (True, "loaded"),
    ]


@pytest.mark.parametrize(
    "rows",
    [
        [price("PGSTRG", "0.09", valid_to="2026-08"), price("PGSTRG", "0.095", valid_from="2026-09")],
        [price("PGSTRG", "0.09", description="Cloud storage"), price("OTHER", "7")],
        [price("PGSTRG", "0.0900"), price("PGSTRG", "0.01", "100")],
    ],
)
def test_prices_load__closed_month_costs_the_same__is_loaded(
    closed: Books, rows: list[dict[str, str]]
) -> None:
    closed.sell(*rows)


def test_prices_load__terms_change_closed_month__needs_force(closed: Books) -> None:
    closed.write_terms(terms(B, minimum="20"))

    assert faults(closed) == ["2026-08 is closed, and would cost 29.00 EUR instead of 9.00 EUR"]


def test_prices_load__terms_move_to_another_customer__says_that_the_total_stays(books: Books) -> None:
    books.usage(gib("10", tenant_id=A), gib("10", tenant_id=B), period=AUGUST)
    books.write_terms(terms(A, discount_percent="10"))
    books.sell(price("PGSTRG", "1"))
    close_period(books.warehouse, AUGUST)
    books.write_terms(terms(B, discount_percent="10"))

    assert faults(books) == [
        "2026-08 is closed, and would cost 19.00 EUR as before, but in other lines or of other customers"
    ]


def test_prices_load__first_prices_and_closed_month__needs_later_start(books: Books) -> None:
    for period in (AUGUST, SEPTEMBER):
        books.usage(gib("100"), period=period)
    close_period(books.warehouse, AUGUST)
    books.write_prices(price("PGSTRG", "0.09"))
    assert faults(books) == ["2026-08 is closed, and would cost 9.00 EUR instead of nothing"]

    books.sell(price("PGSTRG", "0.09", valid_from="2026-09"))


def test_prices_load__buy_prices_of_closed_month__are_loaded(closed: Books) -> None:
    closed.write_prices(price("PGSTRG", "0.05"), name="buy.csv")

    closed.prices("load")

    assert closed.charges("cost") == [decimals("5"), decimals("5")]


def test_prices_load__reopened_month__may_change(closed: Books) -> None:
    reopen_period(closed.warehouse, AUGUST)

    closed.sell(price("PGSTRG", "0.095"))


def test_prices_load__two_currencies_in_closed_month__is_refused_by_force_too(closed: Books) -> None:
    closed.usage(gib("100"), count(1, "SEATS"), period=OCTOBER)
    closed.usage(gib("100"), gib("1", "OTHER"), period=AUGUST, forced=True, number=2)
    closed.write_prices(price("PGSTRG", "0.09"), price("OTHER", "1", currency="USD"))

    (line,) = faults(closed, "load", "--force")
    assert line.startswith("2026-08: Bäckerei Müller, GmbH")
    assert closed.charges("charge_period, amount", "charge_period = '2026-08-01'") == [
        ("2026-08-01", Decimal(9))
    ]
