"""`docs/prices.md`: its queries with their answers.

`python -m billing_pipeline_tests.charges.page` regenerates the answers.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from billing_pipeline.warehouse import WarehouseFile
from billing_pipeline_tests.charges.page_files import PAGE, load_page
from billing_pipeline_tests.questions import answer, answered


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["BILLING_DATA_DIR"] = folder
        load_page(WarehouseFile(Path(folder)), Path(folder))
        PAGE.write_text(answered(PAGE.read_text(encoding="utf-8"), answer), encoding="utf-8")


if __name__ == "__main__":
    main()
