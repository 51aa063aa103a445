"""`billing-pipeline sql`: the output is exact, and every error is one line."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from billing_pipeline.cli.sql import command
from billing_pipeline.errors import WarehouseError

pytestmark = pytest.mark.duckdb


@pytest.fixture(autouse=True)
def _warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        connection.execute("CREATE TABLE usage (n INTEGER)")  # by which a warehouse is recognised
        connection.execute("CREATE TABLE tenant AS SELECT 'a' || chr(27) || '[2J' || chr(10) AS name, 5 AS n")
    monkeypatch.setenv("BILLING_DATA_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)


def run_sql(query: str, output: str = "table") -> None:
    assert command.main(["--format", output, "--", query], standalone_mode=False) == 0


def error_of(query: str, output: str = "table") -> str:
    with pytest.raises(WarehouseError) as refused:
        run_sql(query, output)
    message = str(refused.value)
    assert message.isprintable(), message
    return message


@pytest.mark.parametrize(
    ("columns", "names"),
    [
        ("1 AS a, 2 AS a", ["a", "a_1"]),
        ("1 AS a, 2 AS a, 3 AS a_1", ["a", "a_2", "a_1"]),
        ("1 AS a_1, 2 AS a, 3 AS a, 4 AS a", ["a_1", "a", "a_2", "a_3"]),
        ('1 AS a, 2 AS "A"', ["a", "A"]),
    ],
)
def test_sql__duplicate_column_names__made_unique(
    capsys: pytest.CaptureFixture[str], columns: str, names: list[str]
) -> None:
    run_sql(f"SELECT {columns}", "json")
    in_json = json.loads(capsys.readouterr().out)
    run_sql(f"SELECT {columns}", "csv")
    in_csv = list(csv.reader(io.StringIO(capsys.readouterr().out)))

    assert in_json == [dict(zip(names, range(1, 9), strict=False))]
    assert in_csv == [names, [str(number + 1) for number in range(len(names))]]


def test_sql_json__nan_or_infinity__null(capsys: pytest.CaptureFixture[str]) -> None:
    run_sql("SELECT 'nan'::DOUBLE AS a, '-inf'::FLOAT AS b, [1.5, 'inf'::DOUBLE] AS c, 0.10 AS d", "json")

    def no_constant(name: str) -> Any:
        raise AssertionError(name)

    read = json.loads(capsys.readouterr().out, parse_constant=no_constant, parse_float=Decimal)
    assert read == [{"a": None, "b": None, "c": [Decimal("1.5"), None], "d": Decimal("0.10")}]


@pytest.mark.parametrize(
    "query", ["PIVOT tenant ON name USING sum(n)", "FROM tenant", 'SELECT 1 AS "x\x1b]0;y\x07"']
)
def test_sql_table__control_characters__escaped(capsys: pytest.CaptureFixture[str], query: str) -> None:
    run_sql(query)

    printed = capsys.readouterr().out
    assert "\\x1b" in printed
    assert all(line.isprintable() for line in printed.split("\n"))


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "the query is empty"),
        (" ; -- nothing", "the query is empty"),
        ("SELECT 1; SELECT 2", "expected one statement, got 2. Run them one by one"),
        ("SELECT 1; DROP TABLE tenant;", "expected one statement, got 2"),
        ("SET threads = 1", "a SET statement returns no rows"),
        ("BEGIN", "a TRANSACTION statement returns no rows"),
        ("CREATE TEMP VIEW v AS SELECT 1", "a CREATE statement returns no rows"),
        ("DROP TABLE tenant", "returns no rows"),
        ("DELETE FROM tenant", "read-only"),
        ("SELECT 1\nFROM nowhere\nWHERE true", "nowhere does not exist"),
        ("SELEC 1", "syntax error"),
        ("SELECT error('\x1b[2J\r\n' || name) FROM tenant", "\\x1b[2J"),
        ("SELECT $a", "a"),
        ("SELECT '\udcff'", "not valid UTF-8"),
        ("SELECT INTERVAL 2000000000 months", "a value that cannot be read"),
    ],
)
@pytest.mark.parametrize("output", ["table", "json"])
def test_sql__invalid_query__one_line_error(query: str, message: str, output: str) -> None:
    assert message in error_of(query, output)


@pytest.mark.parametrize("query", ["SELECT 1;", "SELECT ';' AS a", "SELECT 1 WHERE false", "SHOW TABLES"])
def test_sql__one_statement__prints_rows(capsys: pytest.CaptureFixture[str], query: str) -> None:
    run_sql(query)

    assert "row" in capsys.readouterr().out


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
@pytest.mark.parametrize("rows", [1, 100_000])
@pytest.mark.parametrize("output", ["table", "csv", "json"])
def test_sql__stdout_full__one_line_error(rows: int, output: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "billing_pipeline", "sql", f"FROM range({rows})", "--format", output],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "No space left" in done.stderr


def test_sql__encoding_lacks_character__one_line_error() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "billing_pipeline", "sql", "SELECT chr(8364)"],
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "the output's encoding, ascii, lacks a character of the result" in done.stderr
    assert len(done.stderr.splitlines()) == 1
