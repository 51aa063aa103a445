"""`docs/prices.md`: its files load, and its queries give the answers on the page."""

from __future__ import annotations

from pathlib import Path

import pytest

from billing_pipeline.cli import main as billing_pipeline
from billing_pipeline.warehouse import WarehouseFile
from billing_pipeline_tests.charges.page_files import PAGE, blocks, load_page
from billing_pipeline_tests.harness.command_line import errors
from billing_pipeline_tests.questions import answer, queries

pytestmark = pytest.mark.slow

QUERIES = queries(PAGE.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prices")
    load_page(WarehouseFile(folder), folder)
    return folder


@pytest.mark.parametrize(("question", "expected"), QUERIES, ids=range(1, len(QUERIES) + 1))
def test_prices_page__query__gives_the_answer_on_the_page(
    demo: Path, question: str, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BILLING_DATA_DIR", str(demo))

    assert answer(question) == expected, "renew the page: python -m billing_pipeline_tests.charges.page"


def test_prices_page__faulty_file__names_the_faults_on_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BILLING_DATA_DIR", str(tmp_path))
    (tmp_path / "prices").mkdir()
    (tmp_path / "prices" / "sell.csv").write_text(blocks()["faulty sell.csv"], encoding="utf-8")

    assert billing_pipeline(["prices", "check"]) == 1

    assert errors(capsys.readouterr().err)[:-1] == blocks()["errors"].splitlines()
