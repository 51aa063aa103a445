"""The data folder of a test of money."""

from __future__ import annotations

from pathlib import Path

import pytest

from billing_pipeline_tests.charges.books import (
    AUGUST,
    A,
    B,
    Books,
    C,
    compute_points,
    count,
    gib,
    price,
    terms,
)
from billing_pipeline_tests.warehouse.reports import SEPTEMBER


@pytest.fixture
def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Books:
    """An empty data folder, which the environment names."""
    monkeypatch.setenv("BILLING_DATA_DIR", str(tmp_path))
    return Books(tmp_path, capsys)


@pytest.fixture
def month_end(books: Books) -> Books:
    """August closed and restated, September closed: with tiers, a discount and a minimum."""
    usage = [
        gib("7019.0812345678", "ACRCLST", A, tenant_name="Alder IT"),
        gib("1575.57", "PRTLCST", A, tenant_name="Alder IT"),
        compute_points("100.31", A, sku="PBCMPTPNTS", tenant_name="Alder IT"),
        count(8, tenant_id=B, offering_item="pg_o365_seats", tenant_name="Birch Ltd"),
        gib("730.40", "PRTLCST", C, tenant_name="Cedar Inc"),
    ]
    restated = [
        gib("7031.58", "ACRCLST", A, tenant_name="Alder IT"),
        *usage[1:4],
        gib("900", "PRTLCST", C, tenant_name="Cedar Inc"),
    ]
    seats = {"offering_item": "pg_o365_seats", "unit": "count"}
    books.write_terms(terms(A, discount_percent="7.50"), terms(C, minimum="50.00"))
    for period in (AUGUST, SEPTEMBER):
        books.usage(*usage, period=period)
    books.sell(
        *(
            price("ACRCLST", unit_price, from_quantity, storage_ownership="acronis")
            for from_quantity, unit_price in (("", "0.09"), ("1000", "0.08"), ("5000", "0.07"))
        ),
        price("PRTLCST", "0.05"),
        price("PBCMPTPNTS", "0.07", unit="compute points"),
        price("", "0", **seats),
        price("", "2.10", "5", **seats),
    )
    books.close(AUGUST)
    books.restate(*restated, period=AUGUST)
    books.close(SEPTEMBER)
    return books
