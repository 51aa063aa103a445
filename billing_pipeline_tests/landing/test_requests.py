"""The state of a period's requests survives being written, read, damaged and outgrown."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing_pipeline.errors import RawReportError
from billing_pipeline.landing import OrderedReport, Outcome, PeriodRequests, ReportRequest, load_requests
from billing_pipeline.landing.requests import PostIntent, requests_path, save_requests
from billing_pipeline.periods import BillingPeriod
from billing_pipeline_tests.landing.folders import names

PERIOD = BillingPeriod(2026, 9)
IDS = st.uuids().map(str)
TIMES = st.datetimes(timezones=st.just(UTC))
REPORTS = st.builds(
    OrderedReport,
    report_id=IDS,
    requested_at=TIMES,
    origin=st.sampled_from(["created", "adopted"]),
    outcome=st.sampled_from(Outcome),
    reason=st.none() | st.text(max_size=20),
)
REQUESTS = st.builds(
    ReportRequest,
    period=st.just("2026-09"),
    api_base_url=st.just("http://localhost/api/2"),
    order=st.just({"parameters": {"formats": ["json_v2_0"]}}),
    opened_at=TIMES,
    intent=st.none()
    | st.builds(
        PostIntent,
        recorded_at=TIMES,
        known_report_ids=st.none() | st.lists(IDS, max_size=3).map(tuple),
    ),
    reports=st.lists(REPORTS, max_size=3).map(tuple),
)


@given(st.lists(REQUESTS, max_size=3))
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, kept: list[ReportRequest]
) -> None:
    data_dir = tmp_path_factory.mktemp("data")
    requests = PeriodRequests(period="2026-09", requests=tuple(kept))
    save_requests(data_dir, PERIOD, requests)
    assert load_requests(data_dir, PERIOD) == requests
    assert names(data_dir / "requests") == ["2026-09.json"]


def test_without_a_file_there_were_no_requests(tmp_path: Path) -> None:
    assert load_requests(tmp_path, PERIOD).latest is None
    assert names(tmp_path) == []


WHOLE = {"schema_version": 1, "period": "2026-09", "requests": []}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        json.dumps({**WHOLE, "schema_version": 2}),
        json.dumps({**WHOLE, "period": "2026-08"}),
        json.dumps({**WHOLE, "invented_later": 1}),
        json.dumps({**WHOLE, "requests": [{"period": "2026-09"}]}),
    ],
)
def test_a_damaged_file_is_an_error_that_says_what_to_do(tmp_path: Path, content: str) -> None:
    path = requests_path(tmp_path, PERIOD)
    path.parent.mkdir(parents=True)
    path.write_text(content)
    with pytest.raises(RawReportError, match="Move the file away") as error:
        load_requests(tmp_path, PERIOD)
    assert str(path) in str(error.value)
    assert error.value.period == "2026-09"


@pytest.mark.parametrize("bad", ["../../2026-09", "20DFFB36", "", "20dffb36-d77b-45c6-b2fa-39276e98d5fc/.."])
def test_an_id_in_the_file_is_checked_like_one_from_the_api(tmp_path: Path, bad: str) -> None:
    report = {"report_id": bad, "requested_at": "2026-10-02T07:00:00Z", "origin": "created"}
    request = {"period": "2026-09", "api_base_url": "http://localhost", "order": {}, "reports": [report]}
    path = requests_path(tmp_path, PERIOD)
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({**WHOLE, "requests": [request | {"opened_at": "2026-10-02T07:00:00Z"}]}))
    with pytest.raises(RawReportError, match="not a UUID"):
        load_requests(tmp_path, PERIOD)


def test_what_a_killed_run_left_of_the_file_is_removed_by_the_next_one(tmp_path: Path) -> None:
    folder = requests_path(tmp_path, PERIOD).parent
    folder.mkdir(parents=True)
    for name in (".2026-09.json.0a1b2c3d.partial", ".2026-08.json.0a1b2c3d.partial"):
        (folder / name).write_text("{")
    save_requests(tmp_path, PERIOD, PeriodRequests(period="2026-09"))
    # Another period's may be in use at this moment.
    assert names(folder) == [".2026-08.json.0a1b2c3d.partial", "2026-09.json"]


def test_the_file_does_not_grow_for_ever(tmp_path: Path) -> None:
    requests = PeriodRequests(period="2026-09")
    for number in range(60):
        report = OrderedReport(
            report_id=str(UUID(int=number)), requested_at=datetime.now(UTC), origin="created"
        )
        requests = requests.opened(
            ReportRequest(
                period="2026-09",
                api_base_url="http://localhost",
                order={},
                opened_at=datetime.now(UTC),
                reports=(report,),
            )
        )
    assert len(requests.requests) == 50
    assert requests.latest is not None
    assert requests.latest.report_id == str(UUID(int=59))
