"""pandas: `json.load`, `json_normalize`, and the frame into DuckDB."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd

from benchmarks.ways.table import create_table, insert_rows, result

_TENANT = ("customer_id", "id", "kind", "name")


def main(report: Path, folder: Path) -> str:
    """Load a report.

    Returns:
        Rows and sum, as every way prints them.
    """
    with report.open(encoding="utf-8") as file:
        tenants = json.load(file)["tenants"]
    if "usages" in tenants[0]:
        frame = pd.json_normalize(tenants, record_path="usages", meta=[["tenant", name] for name in _TENANT])
    else:
        frame = pd.json_normalize(tenants)
    if "sku" not in frame:
        frame["sku"] = None
    connection = create_table(folder)
    insert_rows(connection, frame)
    return result(connection)


if __name__ == "__main__":
    print(main(Path(sys.argv[1]), Path(sys.argv[2])))
