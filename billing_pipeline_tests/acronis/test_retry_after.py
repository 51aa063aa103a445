"""Parsing and limits of Retry-After."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing_pipeline.acronis import RetryPolicy
from billing_pipeline.acronis.failures import MAX_PLAUSIBLE_SECONDS, retry_after_seconds

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("7", 7),
        (" 120 ", 120),
        ("3.5", 4),
        ("0.001", 1),
        ("30.0", 30),
        ("86399.5", 86400),
        ("Mon, 23 Nov 2026 12:00:30 GMT", 30),
        ("Mon, 23 Nov 2026 13:00:30 +0100", 30),
        ("Monday, 23-Nov-26 12:01:00 GMT", 60),
    ],
)
def test_retry_after__seconds_or_date__is_parsed(value: str, seconds: float) -> None:
    assert retry_after_seconds({"retry-after": value}, now=NOON) == seconds


@pytest.mark.parametrize(
    "value",
    [
        *("", "-1", "soon", "1e9", "1000000000", "9" * 5000, "9" * 5000 + ".5", "٣", "nan", "inf"),
        *("+5", "0x10", ",", ".", "3,5", "3.5.1", "-3.5"),
        "Mon, 23 Nov 2026 11:59:00 GMT",
        "Fri, 23 Nov 2125 12:00:00 GMT",
        "Mon, 99 Nov 2026 12:00:30 GMT",
        "Mon, 23 Nov 99999 12:00:00 GMT",
    ],
)
def test_retry_after__implausible__is_none(value: str) -> None:
    assert retry_after_seconds({"retry-after": value}, now=NOON) is None


def test_retry_after__date__compared_with_server_clock() -> None:
    headers = {"retry-after": "Mon, 23 Nov 2020 00:00:20 GMT", "date": "Mon, 23 Nov 2020 00:00:00 GMT"}
    assert retry_after_seconds(headers, now=NOON) == 20


@given(st.text() | st.integers().map(str) | st.datetimes().map(lambda moment: f"{moment:%a, %d %b %Y} GMT"))
def test_retry_after__any_value__is_bounded(value: str) -> None:
    seconds = retry_after_seconds({"retry-after": value}, now=NOON)
    assert seconds is None or 0 <= seconds <= MAX_PLAUSIBLE_SECONDS
    assert 0 < RetryPolicy().wait(1, seconds) <= RetryPolicy().retry_after_cap


@given(st.integers(1, 10_000))
def test_retry_policy__attempts__backoff_grows_to_bound(attempt: int) -> None:
    policy = RetryPolicy()
    wait = policy.wait(attempt, None)
    assert min(2 ** min(attempt - 1, 10), policy.longest_wait) <= wait <= policy.longest_wait * 1.5


def test_retry_policy__retry_after__honoured_up_to_cap() -> None:
    policy = RetryPolicy(first_wait=1, longest_wait=2, retry_after_cap=60)
    assert policy.wait(1, 45) == 45
    assert policy.wait(1, 3600) == 60
    assert policy.wait(1, 0) >= 1
