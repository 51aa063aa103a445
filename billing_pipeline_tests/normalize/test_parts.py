"""The files that a report is copied into, for DuckDB to read."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import duckdb
import pytest

from billing_pipeline.normalize import JsonReport
from billing_pipeline_tests.normalize.loading import engine, load, load_json, refusal, report_of, usage_row


@pytest.mark.parametrize("read_before", [0, 1, 2, 100])
def test_rows_can_be_read_again_from_the_first(tmp_path: Path, read_before: int) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(report_of(*(usage_row(name=f"item_{number}") for number in range(50))))

    with JsonReport(path, None, tmp_path / "work", piece=1500, rows_of_a_part=7) as report:
        for _ in itertools.islice(report.selects(), read_before):
            pass
        rows, totals = load(report)

    assert [row["offering_item"] for row in rows] == [f"item_{number}" for number in range(50)]
    assert totals.rows == 50


def test_rows_can_be_read_after_the_control_totals(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(report_of(*[usage_row()] * 50))

    with JsonReport(path, None, tmp_path / "work", piece=1500, rows_of_a_part=7) as report:
        assert report.control_totals().rows == 50
        rows, totals = load(report)

    assert len(rows) == totals.rows == 50


def test_selects_that_were_asked_for_before_end(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(report_of(*[usage_row()] * 500))

    with JsonReport(path, None, tmp_path / "work", piece=1500, rows_of_a_part=7) as report:
        before = report.selects()
        next(before)
        found: list[tuple[int]] = []
        for number, select in enumerate(report.selects()):
            if number == 1:
                assert list(before) == []
            found += duckdb.execute(f"SELECT report_row FROM ({select})").fetchall()

    assert sorted(found) == [(number,) for number in range(1, 501)]


@pytest.mark.parametrize("named", ["name=other", "date=2026-01-01", "usage=1"])
def test_folders_are_not_taken_for_fields(tmp_path: Path, named: str) -> None:
    folder = tmp_path / named
    folder.mkdir()

    rows, _ = load_json(report_of(*[usage_row()] * 3), folder)
    grouped, _ = load_json(report_of({"tenant": usage_row()["tenant"], "usages": [usage_row()] * 3}), folder)

    assert {(row["offering_item"], str(row["usage_date"])) for row in rows + grouped} == {
        ("pw_servers", "2026-09-30")
    }


def test_parts_written_over_read_ones_hold_their_own_rows_only(tmp_path: Path) -> None:
    # Twice as many parts as are written ahead and read at once, each smaller than the one before it.
    names = [f"item_{number}" + "x" * (1200 - number) for number in range(1200)]

    rows, totals = load_json(
        report_of(*(usage_row(name=name) for name in names)), tmp_path, piece=3000, part=7
    )

    assert [row["offering_item"] for row in rows] == names
    assert totals.rows == len(names)


def test_they_are_removed_when_all_of_them_were_read(tmp_path: Path) -> None:
    path, work = tmp_path / "report.json", tmp_path / "work"
    path.write_bytes(report_of(*[usage_row()] * 9))

    with JsonReport(path, None, work, rows_of_a_part=2) as report:
        for select in report.selects():
            assert list(work.rglob("*.json"))
            engine().execute(f"SELECT count(*) FROM ({select})").fetchall()
        deadline = time.monotonic() + 30
        while list(work.rglob("*.json")):
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    load_json(report_of(*[usage_row()] * 50), tmp_path, piece=500, part=7)
    refusal(report_of(usage_row(), usage_row(date="")), tmp_path)

    assert list((tmp_path / "work").iterdir()) == []
