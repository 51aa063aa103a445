"""`docs/invoices.md`: its queries, and their answers before and after September is closed.

`python -m billing_pipeline_tests.charges.invoices_page` regenerates the answers.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from billing_pipeline.charges import PRICES_FOLDER, close_period, load_prices
from billing_pipeline.settings import PROJECT_ROOT
from billing_pipeline.warehouse import Warehouse, WarehouseFile
from billing_pipeline_tests.charges.books import AUGUST
from billing_pipeline_tests.charges.page_files import load_page
from billing_pipeline_tests.questions import answer, answered
from billing_pipeline_tests.warehouse.reports import SEPTEMBER

PAGE = PROJECT_ROOT / "docs" / "invoices.md"


class Story:
    """What the page tells: August is closed and its prices are corrected; then September is closed."""

    def __init__(self, warehouse: Warehouse, data_dir: Path) -> None:
        self._warehouse = warehouse
        load_page(warehouse, data_dir)
        close_period(warehouse, AUGUST, forced=True)
        sell = data_dir / PRICES_FOLDER / "sell.csv"
        before = sell.read_text(encoding="utf-8")
        assert before.count(",2.50,") == 1
        sell.write_text(before.replace(",2.50,", ",2.60,"), encoding="utf-8")
        load_prices(warehouse, sell.parent, forced=True)
        self._september_is_closed = False

    def answer(self, question: str) -> str:
        """The answer to a query of the page, in the page's order."""
        if "correction_due" not in question and not self._september_is_closed:
            close_period(self._warehouse, SEPTEMBER, forced=True)
            self._september_is_closed = True
        return answer(question)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["BILLING_DATA_DIR"] = folder
        text = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(
            answered(text, Story(WarehouseFile(Path(folder)), Path(folder)).answer), encoding="utf-8"
        )


if __name__ == "__main__":
    main()
