"""What people read of faults is what the tests of faults see."""

from __future__ import annotations

import re

from billing_pipeline.acronis.retries import ATTEMPTS
from billing_pipeline.ordering import UNANSWERED_REQUESTS
from billing_pipeline.settings import PROJECT_ROOT
from billing_pipeline_tests.faults.catalogue import table

README = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8")


def _rows(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("| ")]


def test_the_page_of_faults_is_complete() -> None:
    page = (PROJECT_ROOT / "docs" / "faults.md").read_text(encoding="utf-8")

    assert _rows(page) == _rows(table())


def test_the_readme_tells_only_what_the_tests_see() -> None:
    (section,) = re.findall(r"^## When things fail$(.*?)^## ", README, re.MULTILINE | re.DOTALL)

    told = _rows(section)
    assert len(told) > 10
    assert set(told) <= set(_rows(table()))


def test_the_readme_states_the_retry_budget() -> None:
    assert f"at most {ATTEMPTS} attempts" in README
    assert f"at most {UNANSWERED_REQUESTS} unanswered requests" in README
