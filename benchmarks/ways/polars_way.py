"""polars: `read_json`, `explode`, `unnest`, and the frame into DuckDB by way of Arrow."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.ways.table import create_table, insert_rows, result


def main(report: Path, folder: Path) -> str:
    """Load a report.

    Returns:
        Rows and sum, as every way prints them.
    """
    # A schema, because polars would otherwise guess types from the first rows, and guess wrong.
    grouped = b'"usages"' in report.open("rb").read(1 << 16)
    frame = pl.read_json(report, schema={"tenants": pl.List(_ELEMENT_WITH_ROWS if grouped else _ELEMENT)})
    frame = frame.select(pl.col("tenants").explode()).unnest("tenants")
    if grouped:
        frame = frame.explode("usages").unnest("usages")
    for column in ("application", "infra", "pricing", "quota", "tenant", "usage"):
        frame = _unnested(frame, column)
    for column in ("usage.absolute", "usage.delta", "usage.effective"):
        frame = _unnested(frame, column)
    connection = create_table(folder)
    insert_rows(connection, frame.to_arrow())
    return result(connection)


def _unnested(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    named = pl.col(column).name.map_fields(lambda name: f"{column}.{name}")
    return frame.with_columns(named).unnest(column)


def _texts(*names: str) -> pl.Struct:
    return pl.Struct(dict.fromkeys(names, pl.String))


_MEASURES = pl.Struct(dict.fromkeys(("production", "total", "trial"), pl.Int64))
_ROW: dict[str, Any] = {
    "application": _texts("id", "name"),
    "date": pl.String,
    "edition": pl.String,
    "infra": _texts("backend_type", "id", "name", "owner_id"),
    "is_range": pl.Boolean,
    "measurement_unit": pl.String,
    "name": pl.String,
    "pricing": _texts("currency", "mode", "price", "total_cost"),
    "quota": pl.Struct({"value": pl.Int64}),
    "sku": pl.String,
    "usage": pl.Struct({"absolute": _MEASURES, "delta": _MEASURES, "effective": _MEASURES}),
}
_TENANT = _texts("customer_id", "id", "kind", "name")
_ELEMENT = pl.Struct({**_ROW, "tenant": _TENANT})
_ELEMENT_WITH_ROWS = pl.Struct({"tenant": _TENANT, "usages": pl.List(pl.Struct(_ROW))})


if __name__ == "__main__":
    warnings.simplefilter("ignore", DeprecationWarning)
    print(main(Path(sys.argv[1]), Path(sys.argv[2])))
