"""The splitter: batches of checked rows, in files that DuckDB reads."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from billing_pipeline.errors import ReportRefusedError
from billing_pipeline.normalize import JsonReport
from billing_pipeline.normalize.envelope import read_envelope
from billing_pipeline.normalize.splitter import Splitter
from billing_pipeline_tests.normalize.loading import engine, load, load_json, refusal, report_of, usage_row


@pytest.mark.parametrize("read_before", [0, 1, 2, 100])
def test_selects__called_again__start_at_first_row(tmp_path: Path, read_before: int) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(report_of(*(usage_row(name=f"item_{number}") for number in range(50))))

    with JsonReport(path, None, tmp_path / "work", block_size=1500, rows_per_batch=7) as report:
        for _ in itertools.islice(report.selects(), read_before):
            pass
        rows, totals = load(report)

    assert [row["offering_item"] for row in rows] == [f"item_{number}" for number in range(50)]
    assert totals.rows == 50


def test_selects__after_control_totals__give_all_rows(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(report_of(*[usage_row()] * 50))

    with JsonReport(path, None, tmp_path / "work", block_size=1500, rows_per_batch=7) as report:
        assert report.control_totals().rows == 50
        rows, totals = load(report)

    assert len(rows) == totals.rows == 50


@pytest.mark.parametrize("named", ["name=other", "date=2026-01-01", "usage=1"])
def test_selects__folder_named_like_a_partition__is_no_field(tmp_path: Path, named: str) -> None:
    folder = tmp_path / named
    folder.mkdir()

    rows, _ = load_json(report_of(*[usage_row()] * 3), folder)
    grouped, _ = load_json(report_of({"tenant": usage_row()["tenant"], "usages": [usage_row()] * 3}), folder)

    assert {(row["offering_item"], str(row["usage_date"])) for row in rows + grouped} == {
        ("pw_servers", "2026-09-30")
    }


def test_batches__recycled_files__hold_own_rows_only(tmp_path: Path) -> None:
    # Twice as many batches as are written ahead and read at once, each smaller than the one before it.
    names = [f"item_{number}" + "x" * (1200 - number) for number in range(1200)]

    rows, totals = load_json(
        report_of(*(usage_row(name=name) for name in names)), tmp_path, block_size=3000, rows_per_batch=7
    )

    assert [row["offering_item"] for row in rows] == names
    assert totals.rows == len(names)


def test_selects__all_read__files_are_removed(tmp_path: Path) -> None:
    path, work = tmp_path / "report.json", tmp_path / "work"
    path.write_bytes(report_of(*[usage_row()] * 9))

    with JsonReport(path, None, work, rows_per_batch=2) as report:
        for select in report.selects():
            assert list(work.rglob("*.json"))
            engine().execute(f"SELECT count(*) FROM ({select})").fetchall()

        assert not list(work.rglob("*.json"))


def test_report__closed__leaves_no_files(tmp_path: Path) -> None:
    load_json(report_of(*[usage_row()] * 50), tmp_path, block_size=500, rows_per_batch=7)
    refusal(report_of(usage_row(), usage_row(date="")), tmp_path)

    assert list((tmp_path / "work").iterdir()) == []


def element_of(size: int) -> dict[str, Any]:
    """A grouped element whose rows have about this many bytes."""
    row = usage_row()
    tenant = row.pop("tenant")
    return {"tenant": tenant, "usages": [row] * (size // len(json.dumps(row)))}


def test_splitter__element_beyond_the_limit__is_refused_by_its_position(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(report_of(element_of(700), element_of(50_000), element_of(700)))

    with path.open("rb", buffering=0) as file:
        splitter = Splitter(file, read_envelope(path), tmp_path, block_size=2000, max_element=20_000)
        with pytest.raises(
            ReportRefusedError, match=r"row 2: element 2 of 'tenants' is larger than 20,000 bytes"
        ):
            list(splitter.batches())


def test_splitter__element_larger_than_a_block__is_read(tmp_path: Path) -> None:
    rows, _ = load_json(report_of(element_of(700), element_of(50_000)), tmp_path, block_size=2000)

    assert len(rows) > 50


@pytest.mark.parametrize("block_size", [64, 1 << 20])
@pytest.mark.parametrize("levels", [150, 330, 900, 5000])
@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_splitter__deeply_nested_unknown_field__is_refused(
    tmp_path: Path, levels: int, block_size: int, opening: str
) -> None:
    nested = opening * levels + "1" + ("]" if opening == "[" else "}") * levels
    content = report_of(usage_row(), usage_row(deep="@")).replace(b'"@"', nested.encode())

    message = refusal(content, tmp_path, block_size=block_size)

    assert message.startswith("row 2: it is not valid JSON: nested too deeply")


def test_splitter__deeply_nested_element__is_refused(tmp_path: Path) -> None:
    content = report_of(usage_row(), "@").replace(b'"@"', b"[" * 500 + b"]" * 500)

    assert "nested too deeply" in refusal(content, tmp_path)


def test_splitter__unknown_field_of_few_levels__is_in_extra(tmp_path: Path) -> None:
    nested: Any = "deep"
    for _ in range(90):
        nested = [nested]

    rows, _ = load_json(report_of(usage_row(), usage_row(odd=nested)), tmp_path)

    assert rows[1]["extra"] == {"odd": nested}
