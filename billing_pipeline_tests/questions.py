"""`docs/questions.md` and the README: each query with its answer.

`python -m billing_pipeline_tests.questions` regenerates the answers.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

from billing_pipeline.cli import main as billing_pipeline
from billing_pipeline.settings import PROJECT_ROOT
from billing_pipeline.warehouse import WarehouseFile
from billing_pipeline_tests.charges.page_files import load_page

PAGE = PROJECT_ROOT / "docs" / "questions.md"
PAGES = (PAGE, PROJECT_ROOT / "README.md")
_BLOCK = re.compile(r"```sql\n(?P<query>.*?)\n```\n(?:\n```text\n(?P<answer>.*?)\n```\n)?", re.DOTALL)


def queries(page: str) -> list[tuple[str, str | None]]:
    """Each query of the page, with the answer below it."""
    return [(found["query"], found["answer"]) for found in _BLOCK.finditer(page)]


def answered(page: str, ask: Callable[[str], str]) -> str:
    """The page with its answers regenerated."""
    return _BLOCK.sub(
        lambda found: f"```sql\n{found['query']}\n```\n\n```text\n{ask(found['query'])}\n```\n", page
    )


def answer(query: str) -> str:
    """What `billing-pipeline sql` prints, for the warehouse of the environment."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        status = billing_pipeline(["sql", query])
    assert status == 0, query
    return "\n".join(line.rstrip() for line in printed.getvalue().splitlines())


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["BILLING_DATA_DIR"] = folder
        load_page(WarehouseFile(Path(folder)), Path(folder))
        for page in PAGES:
            page.write_text(answered(page.read_text(encoding="utf-8"), answer), encoding="utf-8")


if __name__ == "__main__":
    main()
