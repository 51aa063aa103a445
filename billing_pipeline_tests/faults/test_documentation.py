"""The documented faults are those of the catalogue."""

from __future__ import annotations

from billing_pipeline.acronis.retries import ATTEMPTS
from billing_pipeline.settings import PROJECT_ROOT
from billing_pipeline_tests.faults.catalogue import table
from billing_pipeline_tests.harness.faults import UNANSWERED_REQUESTS

_HEADER_ROWS = 1
README = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8")


def _rows(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("| ")]


def test_faults_page__table__equals_catalogue() -> None:
    page = (PROJECT_ROOT / "docs" / "faults.md").read_text(encoding="utf-8")

    assert _rows(page) == _rows(table())


def test_readme__number_of_faults__equals_the_catalogue() -> None:
    faults = len(_rows(table())) - _HEADER_ROWS

    assert f"all {faults} faults" in README


def test_readme__retry_budget__as_in_the_code() -> None:
    assert f"at most {ATTEMPTS} attempts" in README
    assert f"at most {UNANSWERED_REQUESTS} unanswered requests" in README
