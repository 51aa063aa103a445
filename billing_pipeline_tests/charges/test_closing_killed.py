"""A closing that is killed leaves all invoice lines of the month, and the month closed, or neither."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from billing_pipeline.charges import close_period, reopen_period
from billing_pipeline.warehouse import WarehouseFile
from billing_pipeline_tests.charges.books import A, B, Books, C, gib, price
from billing_pipeline_tests.harness.processes import start
from billing_pipeline_tests.warehouse.reports import SEPTEMBER

pytestmark = pytest.mark.kill


def close_and_void(data_dir: Path) -> None:
    """Close the month and void its invoices, until killed."""
    warehouse = WarehouseFile(data_dir)
    while True:
        close_period(warehouse, SEPTEMBER)
        reopen_period(warehouse, SEPTEMBER, void=True)


def test_close__killed_at_any_moment__all_lines_or_none(books: Books) -> None:
    books.usage(*(gib("100", tenant_id=tenant) for tenant in (A, B, C)))
    books.sell(price("PGSTRG", "0.09"))
    state = (
        "SELECT (SELECT count(*) FROM closed_period), count(*), count(voided_at),"
        " (SELECT count(*) FROM period_closing) FROM invoice_line"
    )
    unfinished = books.data_dir / "warehouse.duckdb.next"
    for trial in range(16):
        closer = start(close_and_void, books.data_dir)
        # From the copy of the warehouse to its publication the change is in progress.
        while not unfinished.exists():
            assert closer.is_alive()
            time.sleep(0.001)
        time.sleep(0.04 * trial)
        closer.kill()
        closer.join()

        ((closed, lines, voided, acts),) = books.ask(state)
        assert lines - voided == 3 * closed
        assert lines == 3 * ((acts + 1) // 2)
        if closed:
            reopen_period(books.warehouse, SEPTEMBER, void=True)
    assert books.close(SEPTEMBER) == ["Invoiced: 27.00 EUR, 3 lines, 3 customers"]
    assert not unfinished.exists()
