"""A lake gives the same answers as the file, and those of the past."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from billing_pipeline.charges import close_period, reopen_period
from billing_pipeline.cli import main as billing_pipeline
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.warehouse import Warehouse, WarehouseFile
from billing_pipeline.warehouse.schema import VIEWS
from billing_pipeline_tests.charges.invoices_page import PAGE as INVOICES_PAGE
from billing_pipeline_tests.charges.invoices_page import Story
from billing_pipeline_tests.charges.page_files import PAGE as PRICES_PAGE
from billing_pipeline_tests.charges.page_files import load_page
from billing_pipeline_tests.lake.conftest import shared_lake
from billing_pipeline_tests.postgres import PostgresServer
from billing_pipeline_tests.questions import PAGE, answer, queries
from billing_pipeline_tests.warehouse.loader import month_of
from billing_pipeline_tests.warehouse.reports import SEPTEMBER, load, query

QUERIES = [found for page in (PAGE, PRICES_PAGE) for found in queries(page.read_text(encoding="utf-8"))]
AUGUST = BillingPeriod(2026, 8)
# When it was loaded, checked and closed differs, of course.
_TIMES = {
    "loaded_report": "loaded_at",
    "latest_load_checks": "checked_at",
    "closed_period": "closed_at",
    "invoice_line": "closed_at",
    "usage": "loaded_at",
    "billed_row": "loaded_at",
}


@dataclass(frozen=True)
class Filled:
    """The demo's months in a file and in a lake, which the environment names."""

    file: Warehouse
    lake: Warehouse
    environment: dict[str, str]


@pytest.fixture(scope="module")
def filled(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Filled:
    folder = tmp_path_factory.mktemp("answers")
    lake = shared_lake(postgres, folder)
    found = Filled(WarehouseFile(folder / "file"), lake.warehouse, lake.environment)
    for number, warehouse in enumerate((found.file, found.lake)):
        load_page(warehouse, folder / f"prices {number}")
        close_period(warehouse, AUGUST, note="run 8", forced=True)
    return found


@pytest.mark.parametrize(
    "view", [*VIEWS, "offering_item", "price", "customer_terms", "invoice_line", "usage", "usage_restatement"]
)
def test_view__file_and_lake__same_rows(filled: Filled, view: str) -> None:
    times = _TIMES.get(view)
    select = f"SELECT *{f' EXCLUDE ({times})' if times else ''} FROM {view} ORDER BY ALL"
    in_file, in_lake = (
        [list(row.items()) for row in query(each, select)] for each in (filled.file, filled.lake)
    )

    assert in_lake == in_file
    assert in_file or view in {"usage_restatement", "currency_conflict", "correction_due"}


@pytest.mark.parametrize(("question", "expected"), QUERIES, ids=range(1, len(QUERIES) + 1))
def test_questions_page__lake__same_answers(
    filled: Filled, monkeypatch: pytest.MonkeyPatch, question: str, expected: str | None
) -> None:
    for name, value in filled.environment.items():
        monkeypatch.setenv(name, value)

    assert answer(question) == expected


def test_invoices_page__lake__same_answers(
    warehouse: Warehouse, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = queries(INVOICES_PAGE.read_text(encoding="utf-8"))
    story = Story(warehouse, tmp_path / "data")

    assert [story.answer(question) for question, _ in asked] == [expected for _, expected in asked]
    assert reopen_period(warehouse, SEPTEMBER, void=True) > 0
    count = "SELECT DISTINCT billing_period FROM invoice_line WHERE voided_at IS NULL"
    assert query(warehouse, count) == [{"billing_period": AUGUST.start}]


def test_at_version_of_closing__restated_since__what_was_billed(
    warehouse: Warehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    load(warehouse, month_of(10), number=1)
    load(warehouse, month_of(11), number=2)
    close_period(warehouse, SEPTEMBER)
    reopen_period(warehouse, SEPTEMBER)
    load(warehouse, month_of(12), number=3)

    (closed,) = query(
        warehouse,
        "SELECT snapshot_id, snapshot_time FROM period_closing"
        " JOIN ducklake_snapshots('warehouse') USING (snapshot_id)"
        " WHERE billing_period = '2026-09-01' AND action = 'closed'",
    )
    for at in (
        f"VERSION => {closed['snapshot_id']}",
        f"TIMESTAMP => TIMESTAMPTZ '{closed['snapshot_time']}'",
    ):
        for table, column in (("usage", "absolute_total"), ("billable_usage", "quantity_total")):
            select = f"SELECT max({column})::INT AS billed FROM {table} AT ({at})"
            assert query(warehouse, select) == [{"billed": 11}]
            assert billing_pipeline(["sql", "--format", "csv", select]) == 0
            assert capsys.readouterr().out == "billed\n11\n"
    assert query(warehouse, "SELECT max(absolute_total)::INT AS now FROM usage") == [{"now": 12}]


def test_load__special_characters__are_kept(warehouse: Warehouse) -> None:
    odd = "Nul \0, quote ', \U0001f9fe and \u202e"
    load(warehouse, [{**row, "tenant_name": odd} for row in month_of(1)], number=1)
    load(warehouse, [{**row, "tenant_name": odd + "!"} for row in month_of(1)], number=2)

    assert query(warehouse, "SELECT DISTINCT tenant_name FROM usage") == [{"tenant_name": odd + "!"}]
    restated = query(
        warehouse,
        "SELECT DISTINCT before->>'tenant_name' AS b, after->>'tenant_name' AS a FROM usage_restatement",
    )
    assert restated == [{"b": odd, "a": odd + "!"}]
