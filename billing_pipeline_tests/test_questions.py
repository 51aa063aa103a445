"""The queries of the documentation: their answers, and the months and views that they cover."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from billing_pipeline.warehouse import Warehouse, WarehouseFile
from billing_pipeline.warehouse.schema import VIEWS
from billing_pipeline_tests import reference_tables
from billing_pipeline_tests.charges.invoices_page import PAGE as INVOICES_PAGE
from billing_pipeline_tests.charges.page_files import PAGE as PRICES_PAGE
from billing_pipeline_tests.charges.page_files import load_page
from billing_pipeline_tests.demo_months import PERIODS, DemoMonths
from billing_pipeline_tests.questions import PAGE, PAGES, answer, queries
from billing_pipeline_tests.warehouse.reports import (
    CUSTOMER,
    OTHER_CUSTOMER,
    OTHER_ROOT,
    OWN_STORAGE,
    load,
    query,
    row,
    storage,
)

pytestmark = pytest.mark.slow

QUERIES = [found for page in PAGES for found in queries(page.read_text(encoding="utf-8"))]
OTHER_QUERIES = [
    found for page in (PRICES_PAGE, INVOICES_PAGE) for found in queries(page.read_text(encoding="utf-8"))
]
THIRD_CUSTOMER = "30000000-0000-4000-8000-000000000003"
GIB = 2**30


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("questions")
    load_page(WarehouseFile(folder), folder)
    return folder


@pytest.mark.parametrize(("question", "expected"), QUERIES, ids=range(1, len(QUERIES) + 1))
def test_questions__query__gives_the_answer_on_the_page(
    demo: Path, question: str, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BILLING_DATA_DIR", str(demo))

    assert answer(question) == expected, "renew the pages: python -m billing_pipeline_tests.questions"


def test_questions__all_queries__cover_every_view() -> None:
    asked = " ".join(question for question, _ in [*QUERIES, *OTHER_QUERIES])

    assert [view for view in VIEWS if view not in asked] == ["closed_period", "calendar_month"]


def test_reference_tables__page__is_as_generated() -> None:
    page = reference_tables.PAGE.read_text(encoding="utf-8")

    assert reference_tables.renewed(page) == page, "python -m billing_pipeline_tests.reference_tables"


def test_questions__page__has_the_commands_that_load_its_months() -> None:
    text = PAGE.read_text(encoding="utf-8")

    assert re.search("billing-pipeline sandbox[`\n]", text)
    assert f"for month in {' '.join(map(str, PERIODS))}; do" in text
    assert "billing-pipeline run --period $month; done" in text


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return WarehouseFile(tmp_path / "data")


def asked(word: str) -> str:
    """The one query that contains these words; pages that share it have it word for word."""
    (question,) = {question for question, _ in QUERIES if word in question}
    return question


def found(warehouse: Warehouse, question: str, *columns: str) -> list[tuple[Any, ...]]:
    return [tuple(line[column] for column in columns) for line in query(warehouse, question)]


def test_invoice_query__two_tenants_of_one_name__lists_one_tenant(warehouse: Warehouse) -> None:
    question = asked("AND quantity <> 0\nGROUP BY ALL\nORDER BY unit")
    (tenant,) = re.findall(r"tenant_id = '(.*)'", question)
    items = [f"item_{n:02}" for n in range(40)]
    load(
        warehouse,
        [
            *(row(tenant_id=tenant, offering_item=item, absolute_production=1) for item in items),
            *(row(tenant_id=OTHER_CUSTOMER, offering_item=item, absolute_production=7) for item in items),
        ],
    )

    assert found(warehouse, question, "offering_item", "quantity") == [(item, 1) for item in items]

    load(
        warehouse,
        [row(tenant_id=tenant, edition=name, absolute_production=n) for name, n in (("one", 5), ("two", 7))],
        number=2,
    )
    assert found(warehouse, question, "quantity") == [(12,)]


@pytest.mark.parametrize(("question", "sku"), [("AND sku IS NOT NULL", "ACRCLST"), ("AND sku IS NULL", None)])
def test_sku_query__two_accounts__sums_them_and_counts_billed_tenants(
    warehouse: Warehouse, question: str, sku: str | None
) -> None:
    load(
        warehouse,
        [
            storage(sku=sku, absolute_production=GIB),
            storage(sku=sku, absolute_production=2 * GIB, infra_id=OWN_STORAGE, infra_owner_id=CUSTOMER),
            storage(sku=sku, absolute_trial=8 * GIB, tenant_id=THIRD_CUSTOMER),
        ],
        account="eu",
    )
    load(
        warehouse,
        [storage(sku=sku, absolute_production=4 * GIB, tenant_id=OTHER_CUSTOMER)],
        number=2,
        account="us",
        root_tenant_id=OTHER_ROOT,
    )

    lines = found(warehouse, asked(question), "storage_ownership", "quantity", "tenants")

    assert lines == [("acronis", 5, 2), ("partner", 2, 1)]


def test_restatement_query__reloaded_unchanged__counts_earlier_one(warehouse: Warehouse) -> None:
    before, after = ([storage(absolute_production=n), row(absolute_production=n)] for n in (1, 2))
    for number, rows in enumerate([before, after, after], 1):
        load(warehouse, rows, number=number)
    load(warehouse, before, PERIODS[0])

    lines = found(
        warehouse, asked("usage_restatement"), "period", "times_loaded", "times_restated", "restated_keys"
    )

    assert lines == [("2026-07", 1, 0, 0), ("2026-09", 3, 1, 2)]


def test_points_query__breakdown_by_day__gives_the_points_of_the_summary(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    ((exact, _),) = queries(reference_tables.PAGE.read_text(encoding="utf-8"))
    points = "SELECT sum(dr_compute_points_production) AS production FROM usage"
    daily, summary = (WarehouseFile(tmp_path_factory.mktemp(kind)) for kind in ("daily", "summary"))
    for warehouse, kind in ((daily, "usage_breakdown"), (summary, "usage_summary")):
        DemoMonths(tenants=6, kind=kind).load(warehouse, PERIODS[-1:])

    of_the_month = query(summary, points)

    assert query(daily, points) != of_the_month
    assert query(daily, f"SELECT sum(production) AS production FROM ({exact})") == of_the_month
    assert query(daily, exact) == query(summary, exact)
