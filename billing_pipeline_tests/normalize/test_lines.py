"""Reports whose rows stand on lines of their own, which DuckDB reads as lines; and what only seems so."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from billing_pipeline.normalize import JsonReport
from billing_pipeline_tests.normalize import reference
from billing_pipeline_tests.normalize.loading import (
    FIRST_DAY,
    LAST_DAY,
    engine,
    load_json,
    refusal,
    report_of,
    usage_row,
)

_TAGS = [{"a": 1}, {"b": 2}]


def _report(*separators: str, tagged: int | None = None) -> bytes:
    """A report whose rows have these between them; row `tagged`, from 0, has an unknown list of objects."""
    rows = [usage_row(name=f"item_{number}") for number in range(len(separators) + 1)]
    if tagged is not None:
        rows[tagged]["tags"] = _TAGS
    pairs = zip(map(json.dumps, rows), (*separators, ""), strict=True)
    return report_of().replace(b"[]", f"[{''.join(map(''.join, pairs))}]".encode())


def _formats(content: bytes, folder: Path, piece: int) -> list[str]:
    """How DuckDB is told to read each part."""
    path = folder / "formats.json"
    path.write_bytes(content)
    with JsonReport(path, None, folder / "formats", piece=piece, rows_of_a_part=2) as report:
        return [text.split("'")[0] for select in report.selects() for text in select.split("format = '")[1:]]


@pytest.mark.parametrize("piece", [64, 3000, 1 << 20])
@pytest.mark.parametrize(
    ("separators", "lines"),
    [
        ([",\n"] * 9, "all"),
        ([" ,\n"] * 9, "all"),
        ([","] * 9, "none"),
        ([",\r\n"] * 9, "none"),
        ([", \n"] * 9, "none"),
        ([",\n "] * 9, "none"),
        (["\n,"] * 9, "none"),
        ([",\n\n"] * 9, "none"),
        ([",\n"] * 8 + [","], "some"),
        ([","] + [",\n"] * 8, "some"),
        ([",\n"] * 4 + [",\t\n"] + [",\n"] * 4, "some"),
    ],
)
def test_a_report_on_lines_is_read_as_lines_and_any_other_as_an_array(
    tmp_path: Path, separators: list[str], lines: str, piece: int
) -> None:
    content = _report(*separators)

    rows, _ = load_json(content, tmp_path, piece=piece, part=2)

    assert rows == reference.rows_of_json(content, FIRST_DAY, LAST_DAY)
    formats = set(_formats(content, tmp_path, piece))
    if lines == "all":
        assert formats == {"newline_delimited"}
    elif lines == "none" and piece > 64:  # else each piece is one row, on one line
        assert formats == {"array"}


@pytest.mark.parametrize("piece", [64, 1 << 20])
@pytest.mark.parametrize(
    ("found", "broken"),
    [(', "sku":', ',\n"sku":'), ('"a": 1}, {', '"a": 1},\n{'), ('{"application":', '{\n"application":')],
)
def test_as_many_line_breaks_within_rows_as_there_should_be_between_them(
    tmp_path: Path, found: str, broken: str, piece: int
) -> None:
    content = _report(",", ",", tagged=1).replace(found.encode(), broken.encode(), 2)

    rows, _ = load_json(content, tmp_path, piece=piece, part=2)

    assert rows == reference.rows_of_json(content, FIRST_DAY, LAST_DAY)


@pytest.mark.parametrize("piece", [64, 3000, 1 << 20])
def test_a_row_that_does_not_follow_the_layout_stands_among_lines(tmp_path: Path, piece: int) -> None:
    content = _report(*[",\n"] * 9, tagged=6)

    rows, _ = load_json(content, tmp_path, piece=piece, part=2)

    assert rows == reference.rows_of_json(content, FIRST_DAY, LAST_DAY)
    assert rows[6]["extra"] == {"tags": _TAGS}


@pytest.mark.parametrize("piece", [64, 1 << 20])
def test_a_bad_value_on_a_line_is_told_with_its_row(tmp_path: Path, piece: int) -> None:
    before, after = _report(*[",\n"] * 9).split(b'"item_7"')
    after = after.replace(b'"quota": {"value": null}', b'"quota": {"value": "0.1234567"}', 1)

    assert refusal(before + b'"item_7"' + after, tmp_path, piece=piece).startswith("row 8: quota.value")


def test_the_parts_are_removed_when_all_of_them_were_read(tmp_path: Path) -> None:
    path, work = tmp_path / "report.json", tmp_path / "work"
    path.write_bytes(_report(*[",\n"] * 9))

    with JsonReport(path, None, work, rows_of_a_part=2) as report:
        for select in report.selects():
            assert list(work.rglob("*.json"))
            engine().execute(f"SELECT count(*) FROM ({select})").fetchall()
        deadline = time.monotonic() + 30
        while list(work.rglob("*.json")):
            assert time.monotonic() < deadline
            time.sleep(0.01)
