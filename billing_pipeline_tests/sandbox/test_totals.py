"""The sandbox's totals, against hand-worked numbers and against its own files."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from fractions import Fraction

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from billing_pipeline.sandbox.totals import compute_points
from billing_pipeline_tests.harness.api_caller import Caller
from billing_pipeline_tests.harness.recording_sandbox import RecordingSandbox


@pytest.mark.parametrize(
    ("seconds", "points"),
    [
        (0, "0.00"),
        (17, "0.00"),
        (18, "0.01"),
        (-18, "-0.01"),
        (54, "0.02"),
        (90, "0.03"),
        (-54, "-0.02"),
        (3600, "1.00"),
        (40123, "11.15"),
        (1234567, "342.94"),
        (10**15 + 26, "277777777777.79"),
    ],
)
def test_compute_points__seconds__hours_rounded_half_away_from_zero(seconds: int, points: str) -> None:
    assert compute_points(seconds) == Decimal(points)


@given(st.integers(-(10**18), 10**18))
def test_compute_points__any_seconds__within_half_a_hundredth(seconds: int) -> None:
    difference = Fraction(compute_points(seconds)) - Fraction(seconds, 3600)
    assert abs(difference) <= Fraction(1, 200)
    if abs(difference) == Fraction(1, 200):
        assert (difference > 0) == (seconds > 0)


@pytest.mark.parametrize("level", ["direct_partners", "all_customers"])
def test_totals__report_of_a_level__equal_sums_of_its_file(
    shared_caller: Caller[RecordingSandbox], level: str
) -> None:
    rows = shared_caller.download(shared_caller.create(level=level))["json_v2_0"].json()["tenants"]
    sums: dict[str, Counter[str]] = {}
    points: Counter[str] = Counter()
    for row in rows:
        unit = sums.setdefault(row["measurement_unit"] or "quantity", Counter())
        unit["rows"] += 1
        for measure, parts in row["usage"].items():
            for part, value in parts.items():
                unit[f"{measure}_{part}"] += value
                if row["measurement_unit"] == "seconds" and measure == "delta":
                    # Hundredths: half of 36 s rounds away from zero.
                    points[part] += (abs(value) + 18) // 36 * (1 if value > 0 else -1)
    answer = requests.get(
        shared_caller.sandbox.base_url + f"/sandbox/totals?period=2026-09&level={level}", timeout=10
    ).json()
    assert answer["rows"] == len(rows) > 500
    assert answer["units"] == sums
    assert {part: Decimal(text) * 100 for part, text in answer["dr_compute_points"].items()} == points


@pytest.mark.parametrize("query", ["", "period=2026", "period=2026-09&level=all", "period=2026-09&kind=x"])
def test_totals__invalid_query__status_400(shared_caller: Caller[RecordingSandbox], query: str) -> None:
    url = f"{shared_caller.sandbox.base_url}/sandbox/totals?{query}"
    assert requests.get(url, timeout=10).status_code == 400


def test_totals__foreign_tenant__status_400(shared_caller: Caller[RecordingSandbox]) -> None:
    query = "period=2026-09&tenant_id=00000000-0000-4000-8000-000000000000"
    url = f"{shared_caller.sandbox.base_url}/sandbox/totals?{query}"
    assert requests.get(url, timeout=10).status_code == 400
