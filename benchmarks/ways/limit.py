"""The limit: DuckDB alone, on the same elements already split into lines, with the same projection.

No check, no control totals, no copy of the warehouse, no rename: one INSERT, COMMIT, CHECKPOINT.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from benchmarks.ways.table import ADDED_COLUMNS, create_table, result
from billing_pipeline.normalize.layout import learn_layout
from billing_pipeline.normalize.projection import layout_in_sql, select_rows
from billing_pipeline.periods import BillingPeriod


def main(lines: Path, folder: Path, period: BillingPeriod) -> str:
    """Load newline-delimited JSON into a new database in this folder.

    Returns:
        Rows and sum, as every way prints them.
    """
    with lines.open(encoding="utf-8") as file:
        layout = learn_layout(json.loads(file.readline()))
    assert layout is not None
    statement = Path(__file__).with_name("lines.sql" if layout.rows_key is None else "grouped_lines.sql")
    source = statement.read_text(encoding="utf-8").format(**layout_in_sql(layout), file=lines)
    rows = select_rows(source, period.start, period.end)
    connection = create_table(folder)
    connection.execute("BEGIN")
    connection.execute(f"INSERT INTO usage BY NAME SELECT {ADDED_COLUMNS}, rows.* FROM ({rows}) AS rows")
    connection.execute("COMMIT")
    connection.execute("CHECKPOINT warehouse")
    return result(connection)


if __name__ == "__main__":
    print(main(Path(sys.argv[1]), Path(sys.argv[2]), BillingPeriod.parse(sys.argv[3])))
