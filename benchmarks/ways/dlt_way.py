"""dlt, as in its documentation: a resource that yields the parsed items, and a pipeline into DuckDB."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# No telemetry; the pipeline's state stays in this folder.
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["RUNTIME__LOG_LEVEL"] = "CRITICAL"
os.environ["DLT_DATA_DIR"] = sys.argv[2]

import dlt
import duckdb

_PAGE = 1000


def main(report: Path, folder: Path) -> str:
    """Load a report; dlt makes the tables: nested objects become columns, lists become tables of their own.

    Returns:
        Rows and sum, as every way prints them.
    """

    @dlt.resource(name="tenants", write_disposition="replace")
    def tenants() -> Iterator[list[dict[str, Any]]]:
        with report.open(encoding="utf-8") as file:
            items = json.load(file)["tenants"]
        for start in range(0, len(items), _PAGE):
            yield items[start : start + _PAGE]

    database = folder / "warehouse.duckdb"
    pipeline = dlt.pipeline(
        pipeline_name="usage",
        pipelines_dir=str(folder / "pipelines"),
        destination=dlt.destinations.duckdb(str(database)),
        dataset_name="acronis",
    )
    pipeline.run(tenants())
    with duckdb.connect(str(database), read_only=True) as connection:
        tables = {name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
        table = "tenants__usages" if "tenants__usages" in tables else "tenants"
        rows, total = connection.execute(
            f"SELECT count(*), sum(usage__absolute__total) FROM acronis.{table}"
        ).fetchone() or (0, 0)
    return f"{rows} {total}"


if __name__ == "__main__":
    print(main(Path(sys.argv[1]), Path(sys.argv[2])))
