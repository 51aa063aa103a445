"""The limit: DuckDB alone, on the same elements already split into lines, with the same projection.

No check, no control totals, no copy of the warehouse, no rename: one INSERT, COMMIT, CHECKPOINT.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from benchmarks.ways.table import ADDED_COLUMNS, create_table, result
from billing_pipeline.normalize.layout import learn_layout
from billing_pipeline.normalize.projection import json_source, select_rows
from billing_pipeline.periods import BillingPeriod

_SIXTEEN_MIB = 16 << 20  # DuckDB's own default


def main(lines: Path, folder: Path, period: BillingPeriod) -> str:
    """Load newline-delimited JSON into a new database in this folder.

    Returns:
        Rows and sum, as every way prints them.
    """
    with lines.open(encoding="utf-8") as file:
        layout = learn_layout(json.loads(file.readline()))
    source = json_source([str(lines)], layout, 1, _SIXTEEN_MIB)
    # As a file of lines DuckDB reads it with all threads; numbering the rows would keep it to one.
    source = source.replace("format = 'array'", "format = 'newline_delimited'")
    source = source.replace("row_number() OVER () + 0", "1")
    rows = select_rows(source, period.start, period.end)
    connection = create_table(folder)
    connection.execute("BEGIN")
    connection.execute(f"INSERT INTO usage BY NAME SELECT {ADDED_COLUMNS}, rows.* FROM ({rows}) AS rows")
    connection.execute("COMMIT")
    connection.execute("CHECKPOINT warehouse")
    return result(connection)


if __name__ == "__main__":
    print(main(Path(sys.argv[1]), Path(sys.argv[2]), BillingPeriod.parse(sys.argv[3])))
