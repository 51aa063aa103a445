"""Reports loaded as the warehouse loads them: into its own table, in DuckDB."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from billing_pipeline.errors import ReportRefusedError
from billing_pipeline.normalize import CsvReport, JsonReport
from billing_pipeline.reports import ControlTotals, ReportParameters
from billing_pipeline.sql_files import ROW_GROUP, read_sql

FIRST_DAY, LAST_DAY = date(2026, 9, 1), date(2026, 9, 30)
PARAMS = {
    "kind": 5,
    "gen_date": 1790899200,
    "begin_date": 1788220800,
    "end_date": 1790812799,
    "group_id": 1326401,
    "name": "Example Partner",
    "report_level": 1,
    "report_type": 5,
}
_ADDED = (
    "DATE '2026-09-01' AS billing_period, "
    "DATE '2026-09-01' AS period_start, DATE '2026-09-30' AS period_end, "
    "uuid() AS root_tenant_id, uuid() AS report_id, uuid() AS stored_report_id, now() AS loaded_at, "
    "'default' AS account"
)
_NOT_FROM_THE_FILE = (
    "billing_period",
    "period_start",
    "period_end",
    "root_tenant_id",
    "report_id",
    "stored_report_id",
    "loaded_at",
    "account",
)

Rows = list[dict[str, Any]]


@cache
def engine() -> duckdb.DuckDBPyConnection:
    """One DuckDB for the whole test run: starting it costs more than a report."""
    connection = duckdb.connect(":memory:")
    connection.execute("SET preserve_insertion_order = false")
    connection.execute(read_sql("warehouse/schema/usage.sql"))
    return connection


def load(report: JsonReport) -> tuple[Rows, ControlTotals]:
    """The rows that end up in the table, in the order of the report, and the control totals.

    Raises:
        ReportRefusedError: on the way.
    """
    with _transaction() as connection, report:
        try:
            for select in report.selects():
                _insert(connection, select)
        except duckdb.Error as error:
            raise report.refusal(error) from error
        return _rows(connection), report.control_totals()


@contextmanager
def _transaction() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = engine()
    connection.execute("BEGIN")
    try:
        yield connection
    finally:
        connection.execute("ROLLBACK")


def _insert(connection: duckdb.DuckDBPyConnection, select: str) -> None:
    connection.execute(f"INSERT INTO usage BY NAME SELECT {_ADDED}, r.* FROM ({select}) AS r")


def _rows(connection: duckdb.DuckDBPyConnection) -> Rows:
    names = [
        name for name, *_ in connection.execute("DESCRIBE usage").fetchall() if name not in _NOT_FROM_THE_FILE
    ]
    found = connection.execute(f"SELECT {', '.join(names)} FROM usage ORDER BY report_row").fetchall()
    rows = [dict(zip(names, row, strict=True)) for row in found]
    for row in rows:
        row["extra"] = None if row["extra"] is None else json.loads(row["extra"], parse_float=Decimal)
    return rows


def load_json(
    content: bytes, folder: Path, *, block_size: int = 1 << 20, rows_per_batch: int = ROW_GROUP
) -> tuple[Rows, ControlTotals]:
    """Load a json_v2_0 file with this content."""
    path = folder / "json_v2_0.json"
    path.write_bytes(content)
    report = JsonReport(path, None, folder / "work", block_size=block_size, rows_per_batch=rows_per_batch)
    return load(report)


def load_csv(
    content: bytes, folder: Path, expected: ReportParameters | None = None
) -> tuple[Rows, ControlTotals]:
    """Load a csv_v2_0 file with this content; the control totals are Python's."""
    path = folder / "csv_v2_0.csv"
    path.write_bytes(content)
    period_start, period_end = (
        (FIRST_DAY, LAST_DAY) if expected is None else (expected.period.start, expected.period.end)
    )
    report = CsvReport(path, period_start, period_end)
    with _transaction() as connection:
        try:
            for select in report.selects():
                _insert(connection, select)
        except duckdb.Error as error:
            raise report.refusal(error) from error
        rows = _rows(connection)
    return rows, report.control_totals()


def refusal(content: bytes, folder: Path, *, block_size: int = 1 << 20) -> str:
    """The message of the refusal when a json_v2_0 file with this content is loaded."""
    try:
        rows, _ = load_json(content, folder, block_size=block_size)
    except ReportRefusedError as error:
        return error.what
    raise AssertionError(f"loaded with {len(rows)} rows: {rows[:2]}")


def usage_row(**changed: Any) -> dict[str, Any]:
    """A row as the API writes it, nested; `changed` replaces top-level keys."""
    measures = {"production": 3, "total": 5, "trial": 2}
    row: dict[str, Any] = {
        "application": {"id": "6e6d758d-8e74-3ae3-ac84-50eb0dff12eb", "name": "backup"},
        "date": "2026-09-30",
        "edition": None,
        "infra": {"backend_type": None, "id": None, "name": None, "owner_id": None},
        "is_range": False,
        "measurement_unit": None,
        "name": "pw_servers",
        "pricing": {"currency": None, "mode": "production", "price": None, "total_cost": None},
        "quota": {"value": None},
        "sku": "PWSRVRS",
        "tenant": {
            "customer_id": None,
            "id": "0fcd4a69-8a40-4de8-b711-d9c83dc000f7",
            "kind": "customer",
            "name": "Foobar",
        },
        "usage": {"absolute": measures, "delta": measures, "effective": measures},
    }
    return row | changed


def report_of(*rows: Any, **envelope: Any) -> bytes:
    """A report with these elements."""
    return json.dumps({"params": PARAMS, "tenants": list(rows), **envelope}, ensure_ascii=False).encode()
