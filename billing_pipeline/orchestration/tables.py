"""Small tables as Dagster's UI shows them."""

from collections.abc import Iterable, Sequence

from dagster import MarkdownMetadataValue, MetadataValue
from tabulate import tabulate

_MARKUP = str.maketrans(
    {"|": "\\|", "<": "&lt;", ">": "&gt;", "&": "&amp;", "`": "\\`", "\n": " ", "\r": " "}
)


def markdown_table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> MarkdownMetadataValue:
    """A Markdown table in which the values of a report are escaped."""
    cells = [
        ["" if value is None else _number(value) or str(value).translate(_MARKUP) for value in row]
        for row in rows
    ]
    return MetadataValue.md(tabulate(cells, headers, tablefmt="github", disable_numparse=True))


def _number(value: object) -> str | None:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else None
