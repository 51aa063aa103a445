"""`billing-pipeline sql`: query the warehouse, read-only."""

import csv
import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from io import TextIOWrapper
from itertools import count
from typing import Any, TextIO

import click
import duckdb

from billing_pipeline.cli.interrupts import interruptible
from billing_pipeline.cli.terminal import write_table
from billing_pipeline.errors import WarehouseError, escaped
from billing_pipeline.settings import PipelineSettings
from billing_pipeline.warehouses import open_warehouse

_ROWS_AT_ONCE = 10_000


@click.command(
    epilog='\b\nExample:\n  billing-pipeline sql "SELECT billing_period, count(*) FROM usage GROUP BY 1"'
)
@click.argument("query", required=False)
@click.option(
    "-f", "--file", type=click.File(encoding="utf-8"), help="Read the query from a file; - for stdin."
)
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["table", "csv", "json"]),
    default="table",
    help="Default: table.",
)
def command(query: str | None, file: TextIO | None, output_format: str) -> int:
    """Query the warehouse, read-only. Without a QUERY, or with -, it is read from stdin."""
    if query not in {None, "-"} and file is not None:
        raise click.UsageError("Give a query or --file, not both.")
    if query is None and file is None and sys.stdin.isatty():
        raise click.UsageError('Give a query, such as "FROM usage", or --file.')
    try:
        query = (file or sys.stdin).read() if query in {None, "-"} else query
        query.encode()
    except UnicodeError:
        raise WarehouseError("the query is not valid UTF-8", todo="Correct the query.") from None
    if isinstance(sys.stdout, TextIOWrapper):
        # A result is printed exactly or not at all.
        sys.stdout.reconfigure(errors="strict")
    warehouse = open_warehouse(PipelineSettings.load())
    with warehouse.reading() as connection, interruptible(connection):
        with _one_line_errors():
            _require_result_set(query)
            cursor = warehouse.execute_read_only(connection, query)
        kinds = [str(column[1]) for column in cursor.description or ()]
        columns = list(zip(_unique([column[0] for column in cursor.description or ()]), kinds, strict=True))
        try:
            _WRITERS[output_format](columns, _rows(cursor), sys.stdout)
        except UnicodeEncodeError as error:
            raise WarehouseError(
                f"the output's encoding, {error.encoding}, lacks a character of the result",
                todo="Set PYTHONIOENCODING=utf-8.",
            ) from None
    return 0


def _require_result_set(query: str) -> None:
    """Refuse what is not one statement that returns rows."""
    statements = duckdb.extract_statements(query)
    if not statements:
        raise WarehouseError("the query is empty", todo='Try: billing-pipeline sql "FROM usage".')
    # DuckDB turns one PIVOT into several statements.
    if len(statements) > 1 and ";" in query.strip().rstrip(";"):
        raise WarehouseError(f"expected one statement, got {len(statements)}", todo="Run them one by one.")
    last = statements[-1]
    if last.type.name == "CREATE" or last.expected_result_type == [duckdb.ExpectedResultType.NOTHING]:
        raise WarehouseError(
            f"a {last.type.name} statement returns no rows",
            todo="Use SELECT; this command is read-only.",
        )


def _rows(cursor: duckdb.DuckDBPyConnection) -> Iterator[Sequence[Any]]:
    while True:
        with _one_line_errors():
            rows = cursor.fetchmany(_ROWS_AT_ONCE)
        if not rows:
            return
        yield from rows


@contextmanager
def _one_line_errors() -> Iterator[None]:
    """Raise DuckDB's errors as a `WarehouseError` of one printable line."""
    try:
        yield
    except duckdb.IOException:
        raise  # the warehouse cannot be read; the query is not to blame
    except duckdb.Error as error:
        lines = (line.strip() for line in str(error).splitlines())
        message = " ".join(line for line in lines if line.strip("^~ "))
        raise WarehouseError(escaped(message), todo="Correct the query.") from None
    except (RuntimeError, ValueError, OverflowError) as error:
        # For example text that is not UTF-8, or an interval longer than Python's largest timedelta.
        message = escaped(" ".join(str(error).split()))
        raise WarehouseError(
            f"the result has a value that cannot be read: {message}",
            todo="Leave its column out, or cast it to VARCHAR or BLOB.",
        ) from None


def _unique(names: Sequence[str]) -> list[str]:
    """Make column names unique: a second `a` becomes `a_1`, as in a subquery."""
    unique: list[str] = []
    for name in names:
        numbered = (f"{name}_{number}" for number in count(1))
        free = (other for other in numbered if other not in unique and other not in names)
        unique.append(next(free) if name in unique else name)
    return unique


def _text(value: Any) -> str:
    if value is None:
        return ""
    return _json(value) if isinstance(value, bool | Decimal | dict | list) else str(value)


def _json(value: Any) -> str:
    """Format a value as JSON.

    Decimals keep every digit; DuckDB's `to_json` turns those within lists into doubles. NaN and infinity,
    which JSON lacks, become null.
    """
    match value:
        case Decimal() if value.is_finite():
            return format(value, "f")
        case dict():
            return "{" + ", ".join(f"{_json_text(str(k))}: {_json(v)}" for k, v in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(_json, value)) + "]"
        case None | bool() | int() | float():
            return "null" if isinstance(value, float) and not math.isfinite(value) else json.dumps(value)
        case datetime() | date():
            return json.dumps(value.isoformat())
    return _json_text(str(value))


def _json_text(text: str) -> str:
    """A text in JSON, on one printable line."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in quoted)


Columns = Sequence[tuple[str, str]]


def _write_table(columns: Columns, rows: Iterator[Sequence[Any]], out: TextIO) -> None:
    numeric = ("INT", "DECIMAL", "DOUBLE", "FLOAT", "NUMBER", "BIGNUM")
    right = [any(name in kind.upper() for name in numeric) for _, kind in columns]
    texts = ([_text(value) for value in row] for row in rows)
    count = write_table([name for name, _ in columns], texts, right, out)
    out.write(f"({count} row{'' if count == 1 else 's'})\n")


def _write_csv(columns: Columns, rows: Iterator[Sequence[Any]], out: TextIO) -> None:
    writer = csv.writer(out, lineterminator="\n")
    # Exact for a program; but a tenant's name must not control the terminal.
    shown = escaped if out.isatty() else str
    writer.writerow(shown(name) for name, _ in columns)
    writer.writerows([shown(_text(value)) for value in row] for row in rows)


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
