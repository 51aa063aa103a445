"""The tables of `docs/warehouse.md` that are generated from the code.

`python -m billing_pipeline_tests.reference_tables` renews them.
"""

from __future__ import annotations

import re

from tabulate import tabulate

from billing_pipeline.loading.checks import CHECKS, description
from billing_pipeline.settings import PROJECT_ROOT
from billing_pipeline.sql_files import opening_comment, read_sql
from billing_pipeline.warehouse.schema import VIEW_FILES

PAGE = PROJECT_ROOT / "docs" / "warehouse.md"


def tables() -> dict[str, str]:
    """Each table by the name of its marker in the page."""
    views = [(f"`{view}`", opening_comment(read_sql(file))) for view, file in VIEW_FILES.items()]
    checks = [
        (f"`{name}`", f"**{how}s**" if how == "stop" else f"{how}s", description(name))
        for name, how in CHECKS.items()
    ]
    return {
        "views": tabulate(views, ("view", "question"), tablefmt="github"),
        "checks": tabulate(checks, ("check", "on failure", "rule"), tablefmt="github"),
    }


def renewed(page: str) -> str:
    """The page with its tables regenerated from the code."""
    for name, table in tables().items():
        page = re.sub(
            rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)",
            lambda found, table=table: f"{found[1]}{table}\n{found[2]}",  # type: ignore[misc]
            page,
            flags=re.DOTALL,
        )
    return page


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
