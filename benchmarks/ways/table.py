"""The target table of every way: the project's own `usage`, empty, in a new file."""

from __future__ import annotations

from pathlib import Path

import duckdb

from billing_pipeline.sql_files import read_sql

_ID = "'11111111-1111-4111-8111-111111111111'::UUID"
ADDED_COLUMNS = (
    "DATE '2026-09-01' AS billing_period, "
    "DATE '2026-09-01' AS period_start, DATE '2026-09-30' AS period_end, "
    f"{_ID} AS root_tenant_id, {_ID} AS report_id, {_ID} AS stored_report_id, now() AS loaded_at, "
    "'default' AS account"
)


def create_table(folder: Path) -> duckdb.DuckDBPyConnection:
    """A connection to a new database that has the table."""
    connection = duckdb.connect(":memory:")
    connection.execute(f"ATTACH '{folder / 'warehouse.duckdb'}' AS warehouse (STORAGE_VERSION 'v1.5.0')")
    connection.execute("USE warehouse")
    connection.execute(read_sql("warehouse/schema/usage.sql"))
    return connection


def result(connection: duckdb.DuckDBPyConnection) -> str:
    """Rows and sum, as every way prints them."""
    rows, total = connection.execute("SELECT count(*), sum(absolute_total) FROM usage").fetchone() or (0, 0)
    return f"{rows} {total}"


def insert_rows(connection: duckdb.DuckDBPyConnection, frame: object) -> None:
    """Insert a frame with dotted columns, and write everything to the file."""
    connection.register("rows", frame)
    statement = Path(__file__).with_name("insert_rows.sql").read_text(encoding="utf-8")
    lines = [line for line in statement.splitlines() if not line.startswith("--")]
    connection.execute("\n".join(lines).format(added_columns=ADDED_COLUMNS))
    connection.execute("CHECKPOINT warehouse")
