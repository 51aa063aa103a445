"""`billing-pipeline sql`: a query of the warehouse that certainly changes nothing."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TextIO

import duckdb

from billing_pipeline.errors import WarehouseError
from billing_pipeline.settings import PipelineSettings
from billing_pipeline.warehouse import Warehouse

_ROWS_AT_ONCE = 10_000


def describe(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("query", help='such as "SELECT billing_period, count(*) FROM usage GROUP BY 1"')
    parser.add_argument("--format", choices=sorted(_WRITERS), default="table", help="default: table")


def execute(arguments: argparse.Namespace) -> int:
    """Print the query's result.

    Raises:
        WarehouseError: there is no warehouse, or the query is wrong.
    """
    with Warehouse(PipelineSettings.load().data_dir).reading() as connection:
        # Read-only keeps the warehouse; these keep every other file (COPY … TO, ATTACH).
        connection.execute("SET enable_external_access = false; SET lock_configuration = true")
        try:
            cursor = connection.execute(arguments.query)
            columns = [(column[0], str(column[1])) for column in cursor.description or ()]
            _WRITERS[arguments.format](columns, _rows(cursor), sys.stdout)
        except duckdb.Error as error:
            raise WarehouseError(str(error).strip(), todo="Correct the query.") from None
    return 0


def _rows(cursor: duckdb.DuckDBPyConnection) -> Iterator[Sequence[Any]]:
    while rows := cursor.fetchmany(_ROWS_AT_ONCE):
        yield from rows


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case Decimal():
            return format(value, "f")
        case datetime() | date():
            return value.isoformat(" ") if isinstance(value, datetime) else value.isoformat()
        case dict() | list():
            return _json(value)
    return str(value)


def _printable(text: str) -> str:
    """Text in which a tenant's name cannot move the terminal's cursor."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _json(value: Any) -> str:
    """JSON in which decimals keep every digit."""
    match value:
        case Decimal() if value.is_finite():
            return format(value, "f")
        case dict():
            return "{" + ", ".join(f"{json.dumps(str(k))}: {_json(v)}" for k, v in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(_json, value)) + "]"
        case None | bool() | int() | float():
            return json.dumps(value)
        case datetime() | date():
            return json.dumps(value.isoformat())
    return json.dumps(str(value), ensure_ascii=False)


Columns = Sequence[tuple[str, str]]


def _write_table(columns: Columns, rows: Iterator[Sequence[Any]], out: TextIO) -> None:
    from tabulate import tabulate  # noqa: PLC0415

    numeric = ("INT", "DECIMAL", "DOUBLE", "FLOAT", "NUMBER", "BIGNUM")
    table = [[_printable(_text(value)) for value in row] for row in rows]
    alignment = ["right" if any(n in kind.upper() for n in numeric) else "left" for _, kind in columns]
    headers = [name for name, _ in columns]
    out.write(tabulate(table, headers, tablefmt="simple", disable_numparse=True, colalign=alignment) + "\n")
    out.write(f"({len(table)} row{'' if len(table) == 1 else 's'})\n")


def _write_csv(columns: Columns, rows: Iterator[Sequence[Any]], out: TextIO) -> None:
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(name for name, _ in columns)
    writer.writerows([_text(value) for value in row] for row in rows)


def _write_json(columns: Columns, rows: Iterator[Sequence[Any]], out: TextIO) -> None:
    names = [name for name, _ in columns]
    separator = "["
    for row in rows:
        out.write(f"{separator}\n  {_json(dict(zip(names, row, strict=True)))}")
        separator = ","
    out.write("[]\n" if separator == "[" else "\n]\n")


_WRITERS: dict[str, Callable[[Columns, Iterator[Sequence[Any]], TextIO], None]] = {
    "table": _write_table,
    "csv": _write_csv,
    "json": _write_json,
}
