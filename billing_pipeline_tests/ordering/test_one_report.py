"""The steps of one report without failures, and with stops between them."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from billing_pipeline.errors import RawReportError, ReportNotReadyError
from billing_pipeline.ordering import WaitStoppedError, report_to_load
from billing_pipeline.ordering.state import Outcome
from billing_pipeline_tests.harness.ordering import PERIOD, OrderingHarness, client_of


def test_ordering__no_failure__downloads_both_formats(harness: OrderingHarness) -> None:
    request = harness.request()
    assert harness.wait().report_id == request.report_id
    raw = harness.download()

    assert raw.report_id == request.report_id
    report = json.loads(raw.path("json_v2_0").read_bytes())
    lines = raw.path("csv_v2_0").read_text().splitlines()
    assert len(report["tenants"]) == len(lines) - 1 == harness.sandbox.totals("2026-09")["rows"]
    assert harness.posts() == 1
    files = {
        str(path.relative_to(harness.data_dir)) for path in harness.data_dir.rglob("*") if path.is_file()
    }
    folder = f"raw/2026-09/{request.report_id}"
    assert files == {
        "requests/2026-09.json",
        "requests/2026-09.lock",
        f"{folder}/json_v2_0.json",
        f"{folder}/csv_v2_0.csv",
        f"{folder}/manifest.json",
    }


def test_manifest__report_downloaded__agrees_with_the_state(harness: OrderingHarness) -> None:
    raw = harness.run()
    manifest, state = raw.manifest, harness.state.latest
    assert state is not None
    assert state.report is not None
    assert manifest.parameters == state.parameters == harness.parameters
    assert manifest.api_base_url == harness.client.base_url
    assert state.report.requested_at == manifest.requested_at <= manifest.ready_at <= manifest.downloaded_at
    assert [each.report_format for each in manifest.files] == ["json_v2_0", "csv_v2_0"]
    assert [each.stored_report_id for each in manifest.files] == [
        each.stored_report_id for each in state.report.stored
    ]
    for file in manifest.files:
        assert 0 < file.received_bytes < file.size == (raw.folder / file.name).stat().st_size


@pytest.mark.parametrize("restart", [False, True])
def test_ordering__run_stopped_between_steps__resumes(harness: OrderingHarness, restart: bool) -> None:
    def pause() -> None:
        if restart:
            harness.client.close()
            harness.client = client_of(harness.sandbox)

    first = harness.request()
    pause()
    assert harness.request().report_id == first.report_id
    harness.wait()
    pause()
    assert harness.request().report_id == first.report_id
    raw = harness.download()
    pause()
    assert harness.request().report_id == first.report_id
    assert harness.wait().report_id == first.report_id
    assert harness.download() == raw
    assert harness.posts() == 1
    assert harness.calls().count("download") == 2


def test_ordering__report_downloaded__needs_no_api(harness: OrderingHarness) -> None:
    raw = harness.run()
    harness.sandbox.stop()
    assert harness.request().report_id == raw.report_id
    harness.wait()
    assert harness.download() == raw == report_to_load(harness.data_dir, PERIOD)


def test_request_report__last_report_loaded__requests_a_new_one(harness: OrderingHarness) -> None:
    first = harness.run()
    harness.record(first.report_id, Outcome.LOADED)
    second = harness.request()
    assert second.report_id != first.report_id
    assert [each.outcome for each in harness.state.requests] == [Outcome.LOADED, Outcome.OPEN]
    assert harness.posts() == 2


def test_request_report__last_report_refused__requests_a_new_one(harness: OrderingHarness) -> None:
    first = harness.run()
    harness.record(first.report_id, Outcome.REFUSED, "row 7: a measure is NaN")
    with pytest.raises(ReportNotReadyError, match="row 7"):
        harness.download()
    assert harness.request().report_id != first.report_id
    assert harness.state.requests[0].outcome is Outcome.REFUSED
    assert harness.state.requests[0].reason == "row 7: a measure is NaN"


def test_request_report__parameters_changed__supersedes_the_request(harness: OrderingHarness) -> None:
    first = harness.request()
    other = harness.request(parameters=replace(harness.parameters, level="all_customers"))
    assert other.report_id != first.report_id
    assert harness.state.requests[0].outcome is Outcome.SUPERSEDED


def test_request_report__report_deleted__requests_a_new_one(harness: OrderingHarness) -> None:
    first = harness.request()
    assert first.report_id is not None
    harness.delete(first.report_id)
    assert harness.request().report_id != first.report_id
    assert harness.state.requests[0].outcome is Outcome.GONE


def test_await_stored_reports__deadline_passed__next_run_continues(harness: OrderingHarness) -> None:
    first = harness.request()
    with pytest.raises(ReportNotReadyError, match="in_progress") as error:
        harness.wait(timeout=0)
    assert error.value.report_id == first.report_id
    assert harness.request().report_id == first.report_id
    assert harness.wait().is_ready
    assert harness.posts() == 1


def test_await_stored_reports__stopped__next_run_continues(harness: OrderingHarness) -> None:
    first = harness.request()
    harness.client.stop.set()
    with pytest.raises(WaitStoppedError):
        harness.wait()
    harness.client.stop.clear()
    assert harness.wait().report_id == first.report_id


@pytest.mark.slow
def test_ordering__concurrent_runs__create_one_report(harness: OrderingHarness) -> None:
    with ThreadPoolExecutor(4) as pool:
        requests = [each.result() for each in [pool.submit(harness.request) for _ in range(4)]]
        waits = [each.result() for each in [pool.submit(harness.wait) for _ in range(4)]]
        raw = [each.result() for each in [pool.submit(harness.download) for _ in range(4)]]
    assert {each.report_id for each in requests + waits} == {each.report_id for each in raw}
    assert len({each.report_id for each in raw}) == 1
    assert harness.posts() == 1
    assert harness.calls().count("download") == 2


def test_ordering__step_without_the_one_before__names_that_step(harness: OrderingHarness) -> None:
    with pytest.raises(ReportNotReadyError, match="report_request"):
        harness.wait()
    harness.request()
    with pytest.raises(ReportNotReadyError, match="stored_report"):
        harness.download()
    with pytest.raises(RawReportError, match="no raw report"):
        report_to_load(harness.data_dir, PERIOD)


def test_progress__whole_run__is_readable_text(harness: OrderingHarness) -> None:
    harness.run()
    lines = [str(each) for each in harness.events]
    assert lines[0].startswith("report created, report ")
    assert any("json_v2_0 in_progress, csv_v2_0 in_progress, next poll in" in line for line in lines)
    assert [each.what for each in harness.events][-2:] == ["downloading json_v2_0", "downloading csv_v2_0"]
