"""The documented faults are those of the catalogue."""

from __future__ import annotations

import re

from billing_pipeline.acronis.retries import ATTEMPTS
from billing_pipeline.ordering import UNANSWERED_REQUESTS
from billing_pipeline.settings import PROJECT_ROOT
from billing_pipeline_tests.faults.catalogue import table

README = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8")


def _rows(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("| ")]


def test_faults_page__table__equals_catalogue() -> None:
    page = (PROJECT_ROOT / "docs" / "faults.md").read_text(encoding="utf-8")

    assert _rows(page) == _rows(table())


def test_readme__fault_table__rows_of_the_catalogue() -> None:
    (section,) = re.findall(r"^## When things fail$(.*?)^## ", README, re.MULTILINE | re.DOTALL)

    told = _rows(section)
    assert len(told) > 10
    assert set(told) <= set(_rows(table()))


def test_readme__retry_budget__as_in_the_code() -> None:
    assert f"at most {ATTEMPTS} attempts" in README
    assert f"at most {UNANSWERED_REQUESTS} unanswered requests" in README
