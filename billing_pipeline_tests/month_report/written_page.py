"""A month's page as it is written, without a browser."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path


@dataclass
class WrittenPage(HTMLParser):
    """What a page says.

    Args:
        tables: rows of cells of each table with a caption, by the caption; the first row is the heading.
        links: what the page links to.
        text: all of it.
    """

    tables: dict[str, list[list[str]]] = field(default_factory=dict)
    links: list[str] = field(default_factory=list)
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__()
        self._rows: list[list[str]] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        if tag == "table":
            self._rows = []
        elif tag == "tr":
            self._rows.append([])
        elif tag in {"th", "td"}:
            self._rows[-1].append("")
        elif tag == "a":
            self.links.append(dict(attrs)["href"] or "")

    def handle_data(self, data: str) -> None:
        if self._inside in {"style", "script"}:
            return
        self.text += data
        if self._inside == "caption" and data.strip():
            self.tables[data] = self._rows
        elif self._rows and self._rows[-1]:
            self._rows[-1][-1] = (self._rows[-1][-1] + data).strip()

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""
        if tag == "table":
            self._rows = []


def read_page(path: Path) -> WrittenPage:
    """Read a page."""
    page = WrittenPage()
    page.feed(path.read_text(encoding="utf-8"))
    page.close()
    return page
