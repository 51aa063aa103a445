"""The price files of `docs/prices.md`, and a warehouse that has loaded them."""

from __future__ import annotations

import re
from pathlib import Path

from billing_pipeline.charges import PRICES_FOLDER, load_prices
from billing_pipeline.settings import PROJECT_ROOT
from billing_pipeline.warehouse import Warehouse
from billing_pipeline_tests.demo_months import DemoMonths

PAGE = PROJECT_ROOT / "docs" / "prices.md"
_BLOCK = re.compile(r"<!-- (?P<name>[a-z. ]+) -->\n```[a-z]+\n(?P<text>.*?)```", re.DOTALL)


def blocks() -> dict[str, str]:
    """The files of the page, and the output for the faulty one, by the names in their markers."""
    return {found["name"]: found["text"] for found in _BLOCK.finditer(PAGE.read_text(encoding="utf-8"))}


def load_page(warehouse: Warehouse, data_dir: Path) -> None:
    """Load the page's months and price files."""
    DemoMonths().load(warehouse)
    folder = data_dir / PRICES_FOLDER
    folder.mkdir(parents=True)
    for name in ("sell.csv", "buy.csv", "customers.csv"):
        (folder / name).write_text(blocks()[name], encoding="utf-8")
    load_prices(warehouse, folder)
