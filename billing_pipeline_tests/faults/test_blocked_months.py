"""Nothing about one report keeps its month from loading for ever."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from billing_pipeline.acronis import ApiUnavailableError
from billing_pipeline.errors import ApiError, BillingPipelineError, CredentialsError, DownloadError
from billing_pipeline.landing import RawReport
from billing_pipeline.ordering import request_report
from billing_pipeline.ordering.download import MAX_FAILED_RUNS
from billing_pipeline.ordering.state import Outcome, RequestedReport, requests_path
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.reports import ReportParameters
from billing_pipeline_tests.harness.faults import PERIOD, UNANSWERED_REQUESTS, FaultHarness, is_whole


def answer(route: str, status: int, **more: Any) -> dict[str, Any]:
    return {"route": route, "fault": {"type": "answer", "status": status}, **more}


def reports(harness: FaultHarness) -> list[RequestedReport]:
    return [report for _, report in harness.state.reports.values()]


def age(harness: FaultHarness, hours: float) -> None:
    """Move the reports' requests into the past."""
    path = requests_path(harness.data_dir, PERIOD)
    state = json.loads(path.read_text())
    for request in state["requests"]:
        for report in request["reports"]:
            earlier = datetime.fromisoformat(report["requested_at"]) - timedelta(hours=hours)
            report["requested_at"] = earlier.isoformat()
    path.write_text(json.dumps(state))


STUCK = {
    **{
        name: {"use": name}
        for name in (
            *("stored_in_progress_always", "stored_one_format_saved", "stored_one_format_only"),
            *("stored_empty_always", "stored_unknown_always", "stored_status_null", "stored_404"),
            *("stored_saved_without_id", "stored_bad_id"),
        )
    },
    **{str(status): answer("stored_reports", status) for status in (403, 409, 500, 501)},
    "nonsense": {"route": "stored_reports", "fault": {"type": "answer", "text": "<html>"}},
    "no items": {"route": "stored_reports", "fault": {"type": "merge", "json": {"items": None}}},
}


@pytest.mark.parametrize("fault", STUCK.values(), ids=STUCK.keys())
def test_wait__report_stuck_beyond_its_deadline__another_requested(
    harness: FaultHarness, fault: dict[str, Any]
) -> None:
    harness.sandbox.set_faults({**fault, "first_reports": 1})
    for hours in (0, 23):
        with pytest.raises(BillingPipelineError):
            harness.run(timeout=0.1)
        age(harness, hours)
    with pytest.raises(BillingPipelineError):
        harness.run(timeout=0.1)
    assert harness.sandbox.reports_created == 1

    age(harness, 1.1)
    raw = harness.run(timeout=30)

    assert is_whole(raw)
    old, new = reports(harness)
    assert (old.outcome, new.report_id) == (Outcome.FAILED, raw.report_id)
    assert (old.reason or "").startswith("not ready within 24 hours: ")
    assert "another one is requested" in harness.warnings()
    assert harness.sandbox.reports_created == 2


def test_wait__report_ready_after_its_deadline__is_used(harness: FaultHarness) -> None:
    harness.sandbox.set_faults("stored_in_progress_always")
    with pytest.raises(BillingPipelineError):
        harness.run()
    age(harness, 1000)
    assert is_whole(harness.run_without_faults())
    assert harness.sandbox.reports_created == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"type": "answer", "status": 503},
        {"type": "answer", "status": 401},
        {"type": "silence", "how": "reset"},
    ],
    ids=["503", "401", "reset"],
)
def test_wait__outage_after_the_deadline__creates_nothing(
    harness: FaultHarness, fault: dict[str, Any]
) -> None:
    harness.sandbox.set_faults("stored_in_progress_always")
    with pytest.raises(BillingPipelineError):
        harness.run()
    age(harness, 1000)
    harness.sandbox.set_faults({"route": "stored_reports", "fault": fault})
    before = len(harness.sandbox.requests)
    with pytest.raises(ApiError):
        harness.run(timeout=30)
    assert len(harness.sandbox.requests) - before <= UNANSWERED_REQUESTS + 3
    assert is_whole(harness.run_without_faults())
    assert harness.sandbox.reports_created == 1


def test_wait__report_gone_with_410__another_requested(harness: FaultHarness) -> None:
    harness.sandbox.set_faults(answer("stored_reports", 410, first_reports=1))
    assert is_whole(harness.run(timeout=30))
    assert [each.outcome for each in reports(harness)] == [Outcome.GONE, Outcome.OPEN]


def test_request_report__report_gone_with_410__another_requested(harness: FaultHarness) -> None:
    with harness.client() as client:
        request_report(client, harness.data_dir, parameters(harness))
    harness.sandbox.set_faults(answer("report", 410, first_reports=1))
    assert is_whole(harness.run(timeout=30))
    assert [each.outcome for each in reports(harness)] == [Outcome.GONE, Outcome.OPEN]


@pytest.mark.parametrize("status", [403, 409, 500])
def test_request_report__own_report_unreadable__continued(harness: FaultHarness, status: int) -> None:
    with harness.client() as client:
        request_report(client, harness.data_dir, parameters(harness))
    harness.sandbox.set_faults(answer("report", status))
    assert is_whole(harness.run(timeout=30))
    assert harness.sandbox.reports_created == 1


BROKEN_FILES: dict[str, dict[str, Any]] = {
    **{str(code): {"type": "answer", "status": code} for code in (202, 206, 400, 403, 409, 500, 501, 503)},
    "302": {"type": "redirect", "status": 302},
    "close": {"type": "silence", "how": "close"},
}


@pytest.mark.parametrize("report_format", ["json_v2_0", "csv_v2_0"])
@pytest.mark.parametrize("fault", BROKEN_FILES.values(), ids=BROKEN_FILES.keys())
def test_download__one_file_always_refused__another_report_requested(
    harness: FaultHarness, fault: dict[str, Any], report_format: str
) -> None:
    harness.sandbox.set_faults(
        {"route": "download", "format": report_format, "first_reports": 1, "fault": fault}
    )
    for failed in range(1, MAX_FAILED_RUNS + 1):
        with pytest.raises(BillingPipelineError) as error:
            harness.run()
        (report,) = reports(harness)
        assert (error.value.report_id, report.failed_downloads) == (report.report_id, failed)
    assert "another report is requested" in error.value.todo
    assert report.outcome is Outcome.REFUSED

    assert is_whole(harness.run(timeout=30))
    assert harness.sandbox.reports_created == 2


@pytest.mark.parametrize("status", [404, 410])
def test_download__file_gone__another_report_requested_at_once(harness: FaultHarness, status: int) -> None:
    harness.sandbox.set_faults(answer("download", status, first_reports=1))
    with pytest.raises(ApiError, match="another report is requested"):
        harness.run()
    assert is_whole(harness.run(timeout=30))
    assert [each.outcome for each in reports(harness)] == [Outcome.GONE, Outcome.OPEN]


@pytest.mark.parametrize("status", [401, 429])
def test_download__client_refused__not_counted_against_the_report(harness: FaultHarness, status: int) -> None:
    harness.sandbox.set_faults(answer("download", status))
    for _ in range(MAX_FAILED_RUNS + 1):
        with pytest.raises(ApiError, match=str(status)):
            harness.run()
    assert is_whole(harness.run_without_faults())
    assert harness.sandbox.reports_created == 1


def test_download__file_forbidden__account_not_given_up(harness: FaultHarness) -> None:
    """Not a `CredentialsError` and not an `ApiUnavailableError`: these end the account's other periods."""
    for status in (403, 500):
        harness.sandbox.set_faults(answer("download", status))
        with pytest.raises(DownloadError, match=f"csv_v2_0|json_v2_0.*answered {status}"):
            harness.run()


def parameters(harness: FaultHarness) -> ReportParameters:
    return ReportParameters(harness.sandbox.tenant_id, PERIOD, "usage_summary", "direct_partners")


HIDDEN_FROM_THE_FIRST_LISTING = {
    "route": "tenant_reports",
    "times": 1,
    "fault": {"type": "merge", "json": {"items": []}},
}
UNREADABLE: dict[str, dict[str, Any]] = {
    **{str(code): {"type": "answer", "status": code} for code in (400, 403, 404, 409, 410, 500, 503)},
    "null parameters": {"type": "merge", "json": {"parameters": None}},
    "odd parameters": {"type": "merge", "json": {"parameters": {"period": [], "formats": [{}, None]}}},
    "another id": {"type": "merge", "json": {"id": "00000000-0000-4000-8000-000000000000"}},
    "nonsense": {"type": "answer", "text": "<html>"},
    "close": {"type": "silence", "how": "close"},
}
READABLE = {"null parameters", "odd parameters"}


def with_foreign_report(
    harness: FaultHarness, fault: dict[str, Any], creation: str = "create_answer_lost"
) -> str:
    """A foreign report that appears between the listing before the POST and the search for the orphan."""
    with harness.client() as client:
        foreign = client.create_report(replace(parameters(harness), period=BillingPeriod(2026, 8)))
    harness.sandbox.set_faults(
        HIDDEN_FROM_THE_FIRST_LISTING,
        {"route": "report", "first_reports": 1, "fault": fault},
        creation,
    )
    return foreign.id


@pytest.mark.parametrize("name", UNREADABLE)
def test_adoption__foreign_report_unreadable__passed_over(harness: FaultHarness, name: str) -> None:
    foreign = with_foreign_report(harness, UNREADABLE[name])
    raw = harness.run(timeout=30)
    assert is_whole(raw)
    assert (raw.manifest.origin, raw.report_id == foreign) == ("adopted", False)
    assert harness.sandbox.reports_created == 2
    assert name in READABLE or f"is passed over, report {foreign}" in harness.warnings()


@pytest.mark.parametrize("name", ["500", "null parameters"])
def test_adoption__only_a_foreign_report_and_unreadable__requested_again(
    harness: FaultHarness, name: str
) -> None:
    with_foreign_report(harness, UNREADABLE[name], creation="create_reset_before")
    raw = harness.run(timeout=30)
    assert is_whole(raw)
    assert raw.manifest.origin == "created"
    assert harness.sandbox.reports_created == 2


@pytest.mark.parametrize("status", [401, 429])
def test_adoption__client_refused__nothing_is_created(harness: FaultHarness, status: int) -> None:
    with_foreign_report(harness, {"type": "answer", "status": status})
    with pytest.raises(ApiUnavailableError if status == 429 else CredentialsError):
        harness.run(timeout=30)
    raw = harness.run_without_faults()
    assert raw.manifest.origin == "adopted"
    assert harness.sandbox.reports_created == 2


@pytest.mark.parametrize(
    "fault",
    [{"type": "answer", "status": 500}, {"type": "answer", "status": 410}, {"type": "answer", "json": {}}],
    ids=["500", "410", "no items"],
)
def test_request_report__tenant_list_unreadable__requested_all_the_same(
    harness: FaultHarness, fault: dict[str, Any]
) -> None:
    harness.sandbox.set_faults({"route": "tenant_reports", "fault": fault})
    raw: RawReport = harness.run(timeout=30)
    assert is_whole(raw)
    assert harness.sandbox.reports_created == 1
