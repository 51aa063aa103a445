"""Property tests: for random reports the table equals the reference implementation's rows."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from billing_pipeline.errors import ReportRefusedError
from billing_pipeline.sql_files import ROW_GROUP
from billing_pipeline_tests.normalize import reference
from billing_pipeline_tests.normalize.loading import (
    FIRST_DAY,
    LAST_DAY,
    load_json,
    report_of,
    usage_row,
)
from billing_pipeline_tests.normalize.strategies import reports

pytestmark = pytest.mark.slow

many = settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
sizes = st.sampled_from([64, 400, 3000, 1 << 20])

# Mutations of a report: pattern and replacement.
DAMAGES = [
    (r'"production":-?[0-9]+', r'"production":18.5'),
    (r'"production":-?[0-9]+', r'"production":"18"'),
    (r'"production":-?[0-9]+', r'"production":18.1234567'),
    (r'"production":-?[0-9]+', r'"production":"x"'),
    (r'"production":-?[0-9]+', r'"production":true'),
    (r'"production":-?[0-9]+', r'"production":null'),
    (r'"production":-?[0-9]+', r'"production":NaN'),
    (r'"production":-?[0-9]+', r'"production":1e39'),
    (r'"production":-?[0-9]+', r'"production":4.00000000000000000001'),
    (r'"production":-?[0-9]+', r'"production":1,"production":2'),
    (r'"production":-?[0-9]+,', r""),
    (r'"date":"[^"]*"', r'"date":"2026-10-01"'),
    (r'"date":"[^"]*"', r'"date":"2026-9-30"'),
    (r'"is_range":(true|false)', r'"is_range":"False"'),
    (r'"is_range":(true|false)', r'"is_range":0'),
    (r'"is_range":(true|false)', r'"is_range":null'),
    (r"\},\{", r"}{"),
    (r"\},\{", r"},,{"),
    (r"\},\{", r"},null,{"),
    (r"\},\{", r"},[],{"),
    (r"\}\]", r"},]"),
    (r'"name":"', r'"name":"\\ud800'),
    (r'"name":', r'"name":"x","name":'),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-", r"not-a-uuid-"),
    (r"[0-9]", r"{"),
    (r'"', r""),
    (r":", r","),
]


@many
@given(reports(), sizes, st.sampled_from([1, 2, 5, ROW_GROUP]))
@example(report_of(), 64, ROW_GROUP)
@example(report_of(usage_row(), usage_row(quota={"value": 10.5}), usage_row(quota=None)), 1 << 20, ROW_GROUP)
@example(report_of(usage_row(), usage_row(quota={"value": 1.5}), usage_row(pricing=None)), 1 << 20, ROW_GROUP)
@example(report_of(usage_row(), usage_row(**{'a"b': 1, "c\\d": 2})), 1 << 20, ROW_GROUP)
def test_load__random_report__equals_reference(content: bytes, block_size: int, rows_per_batch: int) -> None:
    expected = reference.rows_of_json(content, FIRST_DAY, LAST_DAY)

    with TemporaryDirectory() as folder:
        rows, totals = load_json(content, Path(folder), block_size=block_size, rows_per_batch=rows_per_batch)

    assert rows == expected
    assert (totals.rows, totals.sums) == reference.control_totals(expected)


@many
@given(reports(), sizes, st.sampled_from(DAMAGES), st.integers(0, 2**32))
def test_load__damaged_report__is_refused_or_equals_reference(
    content: bytes, block_size: int, damage: tuple[str, str], place: int
) -> None:
    pattern, instead = damage
    places = list(re.finditer(pattern, content.decode()))
    if places:
        match = places[place % len(places)]
        damaged = (
            content.decode()[: match.start()] + match.expand(instead) + content.decode()[match.end() :]
        ).encode()
    else:
        damaged = content[: place % len(content)]
    try:
        expected = reference.rows_of_json(damaged, FIRST_DAY, LAST_DAY)
    except reference.NotAReportError:
        expected = None

    with TemporaryDirectory() as folder:
        if expected is None:
            with pytest.raises(ReportRefusedError):
                load_json(damaged, Path(folder), block_size=block_size, rows_per_batch=2)
        else:
            rows, _ = load_json(damaged, Path(folder), block_size=block_size, rows_per_batch=2)
            assert rows == expected


@pytest.mark.parametrize("block_size", [64, 1 << 20])
@pytest.mark.parametrize("grouped", [False, True])
def test_load__cut_at_any_byte__is_refused(tmp_path: Path, block_size: int, grouped: bool) -> None:
    first, second = usage_row(), usage_row(name="Zürich", sku=None)
    if grouped:
        tenant = first.pop("tenant")
        del second["tenant"]
        whole = report_of({"tenant": tenant, "usages": [first]}, {"tenant": tenant, "usages": [second]})
    else:
        whole = report_of(first, second)
    assert len(load_json(whole, tmp_path, block_size=block_size)[0]) == 2

    for length in range(len(whole)):
        with pytest.raises(ReportRefusedError):
            load_json(whole[:length], tmp_path, block_size=block_size)
