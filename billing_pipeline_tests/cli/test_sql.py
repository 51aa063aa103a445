"""`billing-pipeline sql`: nothing is lost in its output, and whatever goes wrong is one line."""

from __future__ import annotations

import argparse
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

from billing_pipeline.cli.sql import describe, execute
from billing_pipeline.errors import WarehouseError


@pytest.fixture(autouse=True)
def _warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        connection.execute("CREATE TABLE tenant AS SELECT 'a' || chr(27) || '[2J' || chr(10) AS name, 5 AS n")
    monkeypatch.setenv("BILLING_DATA_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)


def asked(query: str, output: str = "table") -> None:
    parser = argparse.ArgumentParser()
    describe(parser)
    assert execute(parser.parse_args([query, "--format", output])) == 0


def complaint(query: str, output: str = "table") -> str:
    with pytest.raises(WarehouseError) as refused:
        asked(query, output)
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
def test_columns_of_one_name_are_told_apart(
    capsys: pytest.CaptureFixture[str], columns: str, names: list[str]
) -> None:
    asked(f"SELECT {columns}", "json")
    in_json = json.loads(capsys.readouterr().out)
    asked(f"SELECT {columns}", "csv")
    in_csv = list(csv.reader(io.StringIO(capsys.readouterr().out)))

    assert in_json == [dict(zip(names, range(1, 9), strict=False))]
    assert in_csv == [names, [str(number + 1) for number in range(len(names))]]


def test_what_json_has_no_number_for_is_null(capsys: pytest.CaptureFixture[str]) -> None:
    asked("SELECT 'nan'::DOUBLE AS a, '-inf'::FLOAT AS b, [1.5, 'inf'::DOUBLE] AS c, 0.10 AS d", "json")

    def no_constant(name: str) -> Any:
        raise AssertionError(name)

    read = json.loads(capsys.readouterr().out, parse_constant=no_constant, parse_float=Decimal)
    assert read == [{"a": None, "b": None, "c": [Decimal("1.5"), None], "d": Decimal("0.10")}]


@pytest.mark.parametrize(
    "query", ["PIVOT tenant ON name USING sum(n)", "FROM tenant", 'SELECT 1 AS "x\x1b]0;y\x07"']
)
def test_a_table_cannot_move_the_cursor(capsys: pytest.CaptureFixture[str], query: str) -> None:
    asked(query)

    printed = capsys.readouterr().out
    assert "\\x1b" in printed
    assert all(line.isprintable() for line in printed.split("\n"))


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("", "the query is empty"),
        (" ; -- nothing", "the query is empty"),
        ("SELECT 1; SELECT 2", "these are 2 statements. Ask one query at a time"),
        ("SELECT 1; DROP TABLE tenant;", "these are 2 statements"),
        ("SET threads = 1", "a SET statement has no rows to show"),
        ("BEGIN", "a TRANSACTION statement has no rows to show"),
        ("CREATE TEMP VIEW v AS SELECT 1", "a CREATE statement has no rows to show"),
        ("DROP TABLE tenant", "no rows to show"),
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
def test_what_cannot_be_answered_is_told_in_one_line(query: str, told: str, output: str) -> None:
    assert told in complaint(query, output)


@pytest.mark.parametrize("query", ["SELECT 1;", "SELECT ';' AS a", "SELECT 1 WHERE false", "SHOW TABLES"])
def test_one_statement_is_answered(capsys: pytest.CaptureFixture[str], query: str) -> None:
    asked(query)

    assert "row" in capsys.readouterr().out


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
@pytest.mark.parametrize("rows", [1, 100_000])
@pytest.mark.parametrize("output", ["table", "csv", "json"])
def test_a_full_disk_is_told_in_one_line(rows: int, output: str) -> None:
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


def test_an_output_that_lacks_a_character() -> None:
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
