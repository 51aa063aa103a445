"""`docs/invoices.md`: its queries give the answers on the page."""

from __future__ import annotations

from pathlib import Path

import pytest

from billing_pipeline.warehouse import WarehouseFile
from billing_pipeline_tests.charges.invoices_page import PAGE, Story
from billing_pipeline_tests.questions import queries

pytestmark = pytest.mark.slow


def test_invoices_page__queries__give_the_answers_on_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BILLING_DATA_DIR", str(tmp_path))
    asked = queries(PAGE.read_text(encoding="utf-8"))
    story = Story(WarehouseFile(tmp_path), tmp_path)

    assert len(asked) == 6
    assert [story.answer(question) for question, _ in asked] == [expected for _, expected in asked], (
        "renew the page: python -m billing_pipeline_tests.charges.invoices_page"
    )
