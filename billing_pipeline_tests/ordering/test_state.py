"""The state of a period's requests: written, read, damaged, outgrown; and which report counts."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing_pipeline.errors import RawReportError
from billing_pipeline.ordering.state import (
    Outcome,
    PeriodRequests,
    PostIntent,
    ReportRequest,
    RequestedReport,
    load_requests,
    requests_path,
    save_requests,
)
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.reports import ReportParameters
from billing_pipeline_tests.landing.folders import names

PERIOD = BillingPeriod(2026, 9)
PARAMETERS = ReportParameters(str(UUID(int=1)), PERIOD, "usage_summary", "direct_partners")
IDS = st.uuids().map(str)
TIMES = st.datetimes(timezones=st.just(UTC))
REPORTS = st.builds(
    RequestedReport,
    report_id=IDS,
    requested_at=TIMES,
    origin=st.sampled_from(["created", "adopted"]),
    outcome=st.sampled_from(Outcome),
    reason=st.none() | st.text(max_size=20),
)
REQUESTS = st.builds(
    ReportRequest,
    parameters=st.just(PARAMETERS),
    api_base_url=st.just("http://localhost/api/2"),
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
def test_state__any_requests__read_back_equal(
    tmp_path_factory: pytest.TempPathFactory, kept: list[ReportRequest]
) -> None:
    data_dir = tmp_path_factory.mktemp("data")
    requests = PeriodRequests(period="2026-09", requests=kept)
    save_requests(data_dir, PERIOD, requests)
    assert load_requests(data_dir, PERIOD) == requests
    assert names(data_dir / "requests") == ["2026-09.json"]


def test_state__no_file__no_requests(tmp_path: Path) -> None:
    assert load_requests(tmp_path, PERIOD).latest is None
    assert names(tmp_path) == []


STORED_PARAMETERS = {
    "tenant_id": str(UUID(int=1)),
    "period": "2026-09",
    "kind": "usage_summary",
    "level": "direct_partners",
}
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
def test_state__damaged_file__error_says_what_to_do(tmp_path: Path, content: str) -> None:
    path = requests_path(tmp_path, PERIOD)
    path.parent.mkdir(parents=True)
    path.write_text(content)
    with pytest.raises(RawReportError, match="Move the file away") as error:
        load_requests(tmp_path, PERIOD)
    assert str(path) in str(error.value)
    assert error.value.period == "2026-09"


@pytest.mark.parametrize("bad", ["../../2026-09", "20DFFB36", "", "20dffb36-d77b-45c6-b2fa-39276e98d5fc/.."])
def test_state__report_id_not_a_uuid__is_refused(tmp_path: Path, bad: str) -> None:
    report = {"report_id": bad, "requested_at": "2026-10-02T07:00:00Z", "origin": "created"}
    request = {"parameters": STORED_PARAMETERS, "api_base_url": "http://localhost", "reports": [report]}
    path = requests_path(tmp_path, PERIOD)
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({**WHOLE, "requests": [request | {"opened_at": "2026-10-02T07:00:00Z"}]}))
    with pytest.raises(RawReportError, match="not a UUID"):
        load_requests(tmp_path, PERIOD)


def test_save_requests__partial_file_of_a_killed_run__removed(tmp_path: Path) -> None:
    folder = requests_path(tmp_path, PERIOD).parent
    folder.mkdir(parents=True)
    for name in (".2026-09.json.0a1b2c3d.partial", ".2026-08.json.0a1b2c3d.partial"):
        (folder / name).write_text("{")
    save_requests(tmp_path, PERIOD, PeriodRequests(period="2026-09"))
    # The other period may be in use by another run.
    assert names(folder) == [".2026-08.json.0a1b2c3d.partial", "2026-09.json"]


def test_state__many_requests__keeps_the_last_50(tmp_path: Path) -> None:
    requests = PeriodRequests(period="2026-09")
    for number in range(60):
        report = RequestedReport(
            report_id=str(UUID(int=number)), requested_at=datetime.now(UTC), origin="created"
        )
        requests.open(
            ReportRequest(
                parameters=PARAMETERS,
                api_base_url="http://localhost",
                opened_at=datetime.now(UTC),
                reports=[report],
            )
        )
    assert len(requests.requests) == 50
    assert requests.latest is not None
    assert requests.latest.report_id == str(UUID(int=59))
