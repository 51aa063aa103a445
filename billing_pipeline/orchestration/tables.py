"""Texts and small tables as Dagster's UI shows them: in Markdown."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

import dagster as dg
from tabulate import tabulate

from billing_pipeline.errors import escaped

_MARKUP = str.maketrans(
    {each: f"\\{each}" for each in "\\`*_[](){}!#|~$"} | {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
)


def markdown_text(text: str) -> str:
    """A text, which may quote a report, without anything that Markdown would interpret."""
    return escaped(text).translate(_MARKUP)


def markdown_table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> dg.MarkdownMetadataValue:
    """A Markdown table in which the values of a report are escaped."""
    cells = [
        ["" if value is None else _number(value) or markdown_text(str(value)) for value in row]
        for row in rows
    ]
    return dg.MetadataValue.md(tabulate(cells, headers, tablefmt="github", disable_numparse=True))


def _number(value: object) -> str | None:
    if isinstance(value, Decimal):
        return f"{value:,f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else None
