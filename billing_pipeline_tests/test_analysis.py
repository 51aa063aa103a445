"""The warehouse in Python: `connect`, `read`, and the notebook of the documentation."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import pandas as pd
import pytest

import billing_pipeline
from billing_pipeline.errors import PeriodError, WarehouseError
from billing_pipeline.warehouse import LoadAttempt, Warehouse, WarehouseFile
from billing_pipeline_tests import notebook
from billing_pipeline_tests.charges.page_files import load_page
from billing_pipeline_tests.warehouse.reports import CUSTOMER, SEPTEMBER, load, row, storage

LARGE = 2**63 + 2**30 + 1
AUGUST = SEPTEMBER.previous()


@pytest.fixture
def two_months(warehouse: WarehouseFile, monkeypatch: pytest.MonkeyPatch) -> WarehouseFile:
    monkeypatch.setenv("BILLING_DATA_DIR", str(warehouse.path.parent))
    load(warehouse, [row(absolute_production=7)], AUGUST, number=8)
    load(warehouse, [row(absolute_production=3), storage(absolute_production=LARGE)], number=9)
    return warehouse


def test_connect__loaded_warehouse__reads_and_changes_nothing(two_months: Warehouse) -> None:
    with billing_pipeline.connect() as connection:
        assert connection.sql("SELECT count(*) FROM billable_usage").fetchall() == [(3,)]
        with pytest.raises(duckdb.InvalidInputException, match="read-only"):
            connection.execute("DELETE FROM usage")


def test_connect__load_meanwhile__seen_by_the_next_connection(two_months: Warehouse) -> None:
    count = "SELECT count(*) FROM usage"
    with billing_pipeline.connect() as before:
        load(two_months, [row(), storage(), row(sku="OTHER")], number=10)
        assert before.sql(count).fetchall() == [(3,)]

    with billing_pipeline.connect() as after:
        assert after.sql(count).fetchall() == [(4,)]


def test_connect__nothing_loaded__says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BILLING_DATA_DIR", str(tmp_path))

    with pytest.raises(WarehouseError, match=r"there is no warehouse .* Load a period first"):
        billing_pipeline.connect()


def test_connect__damaged_file__says_that_it_is_damaged(two_months: WarehouseFile) -> None:
    two_months.path.chmod(0o600)
    two_months.path.write_bytes(b"DUCK" * 4096)

    with pytest.raises(WarehouseError, match="cannot be opened"):
        billing_pipeline.connect()


def test_read__period__rows_of_the_month_with_exact_numbers(two_months: Warehouse) -> None:
    frame = billing_pipeline.read("usage", period="2026-09").sort_values("report_row")

    assert list(frame["absolute_production"]) == [3, LARGE]
    assert {type(value) for value in frame["absolute_production"]} == {Decimal}
    assert frame["absolute_production"].sum() == LARGE + 3
    assert list(frame["dr_compute_points_total"]) == [None, None]
    assert list(frame["tenant_id"]) == [UUID(CUSTOMER)] * 2
    assert list(frame["billing_period"]) == [pd.Timestamp(SEPTEMBER.start)] * 2
    assert frame["is_range"].dtype == bool


def test_read__view_without_period__all_months(two_months: Warehouse) -> None:
    assert sorted(billing_pipeline.read("billable_usage")["usage_rows"]) == [1, 1, 1]


@pytest.mark.parametrize(
    ("name", "period", "message"),
    [
        ("billed_usage", None, "no table or view billed_usage. Name one of billable_usage, "),
        ("usage; DROP TABLE usage", "2026-09", "no table or view usage; DROP TABLE usage"),
        ("offering_item", "2026-09", "offering_item has no billing periods. Read it without"),
        ("usage", "2026-01", "period 2026-01: the period is not loaded. Load it first"),
    ],
)
def test_read__what_is_not_there__says_what_is(
    two_months: Warehouse, name: str, period: str | None, message: str
) -> None:
    with pytest.raises(WarehouseError, match=message):
        billing_pipeline.read(name, period=period)


def test_read__failed_attempt_not_in_the_file__names_each_table_once(two_months: WarehouseFile) -> None:
    two_months.record_failure(LoadAttempt(period=SEPTEMBER, account="default", outcome="failed", reason="no"))

    with pytest.raises(WarehouseError) as refused:
        billing_pipeline.read("load_historie")

    names = refused.value.todo.removeprefix("Name one of ").removesuffix(".").split(", ")
    assert "load_history" in names
    assert len(names) == len(set(names))


def test_read__no_month__refused(two_months: Warehouse) -> None:
    with pytest.raises(PeriodError, match="'2026-13' is not a billing period"):
        billing_pipeline.read("usage", period="2026-13")


@pytest.fixture(scope="module")
def documented(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("documented")
    load_page(WarehouseFile(folder), folder)
    return folder


@pytest.fixture
def months(documented: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The months of the documentation, as the settings name them."""
    monkeypatch.setenv("BILLING_DATA_DIR", str(documented))


@pytest.mark.slow
def test_notebook__each_cell__shows_what_the_page_says(months: None) -> None:
    shown = list(notebook.execute(notebook.cells()))

    for cell, text, _ in shown:
        assert text == notebook.text_of(cell), "renew it: python -m billing_pipeline_tests.notebook"
    assert [plot is not None for *_, plot in shown] == [False, False, False, False, True]


@pytest.mark.slow
def test_connect_page__lines_of_python__run(months: None) -> None:
    page = notebook.PATH.with_name("connect.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    names: dict[str, Any] = {}

    exec(code, names)

    names["connection"].close()
    assert len(names["billable"]) > len(names["lines"]) > 0


@pytest.mark.slow
def test_read__charge_of_a_month__adds_up_to_the_invoices(months: None) -> None:
    charge = billing_pipeline.read("charge", period="2026-09")

    with billing_pipeline.connect() as connection:
        (expected,) = (
            connection.execute("SELECT sum(amount) FROM charge_in(DATE '2026-09-01')").fetchone() or ()
        )
    assert charge["amount"].sum() == expected
    assert {month.strftime("%Y-%m") for month in charge["charge_period"]} == {"2026-09"}
    focus = billing_pipeline.read("focus_cost_and_usage", period="2026-09")
    assert focus["BilledCost"].empty, "it has closed months only"
