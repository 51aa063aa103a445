"""The page of questions answers what the queries answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from billing_pipeline.warehouse import WarehouseFile
from billing_pipeline.warehouse.schema import VIEWS
from billing_pipeline_tests import reference_tables
from billing_pipeline_tests.demo_months import DemoMonths
from billing_pipeline_tests.questions import PAGE, answer, queries

QUERIES = queries(PAGE.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("questions")
    DemoMonths().load(WarehouseFile(folder))
    return folder


@pytest.mark.parametrize(("query", "expected"), QUERIES, ids=range(1, len(QUERIES) + 1))
def test_the_answer_on_the_page_is_the_answer(
    demo: Path, query: str, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BILLING_DATA_DIR", str(demo))

    assert answer(query) == expected, "renew the page: python -m billing_pipeline_tests.questions"


def test_every_view_for_billing_is_asked() -> None:
    asked = " ".join(query for query, _ in QUERIES)

    assert [view for view in VIEWS if view not in asked and view != "closed_period"] == []


def test_the_tables_of_views_and_checks_are_those_of_the_code() -> None:
    page = reference_tables.PAGE.read_text(encoding="utf-8")

    assert reference_tables.renewed(page) == page, "python -m billing_pipeline_tests.reference_tables"
