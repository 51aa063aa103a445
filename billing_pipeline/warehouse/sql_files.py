"""The `.sql` files of this folder: everything that the warehouse says to DuckDB."""

from __future__ import annotations

from functools import cache
from importlib import resources


@cache
def sql(name: str) -> str:
    """The text of a `.sql` file of this folder."""
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def opening_comment(text: str) -> str:
    """The first paragraph of the comment that a `.sql` file opens with: what the file is for, as one line."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("-- "):
            break
        lines.append(line.removeprefix("--").strip())
    return " ".join(lines)
