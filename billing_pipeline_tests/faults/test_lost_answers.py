"""Creation requests whose answer was lost, and which report is adopted as theirs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from billing_pipeline.acronis import ApiUnavailableError
from billing_pipeline.errors import ApiError, CredentialsError, ReportFailedError, ReportNotReadyError
from billing_pipeline.ordering import request_report
from billing_pipeline.ordering.create import MAX_LOST_ANSWERS
from billing_pipeline.ordering.state import Outcome
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.reports import ReportParameters
from billing_pipeline_tests.harness.faults import PERIOD, FaultHarness, is_whole


def order_of(harness: FaultHarness) -> ReportParameters:
    return ReportParameters(harness.sandbox.tenant_id, PERIOD, "usage_summary", "direct_partners")


def test_request_report__orphan_has_other_parameters__not_adopted(harness: FaultHarness) -> None:
    harness.sandbox.set_faults("create_answer_lost", "report_other_parameters")
    raw = harness.run()
    assert raw.manifest.origin == "created"
    assert harness.sandbox.reports_created == 2


def test_request_report__reports_existed_before__not_adopted(harness: FaultHarness) -> None:
    with harness.client() as client:
        strangers = {client.create_report(order_of(harness)).id for _ in range(2)}
        strangers.add(client.create_report(replace(order_of(harness), period=BillingPeriod(2026, 8))).id)
    harness.sandbox.set_faults("create_answer_lost")
    raw = harness.run()
    assert raw.manifest.origin == "adopted"
    assert raw.report_id not in strangers
    assert harness.sandbox.reports_created == 4


def test_request_report__never_answered__bounded_number_of_posts(harness: FaultHarness) -> None:
    harness.sandbox.set_faults({"use": "create_reset_before", "times": None})
    with pytest.raises(ApiUnavailableError):
        harness.run()
    assert harness.calls("create_report") == MAX_LOST_ANSWERS
    assert harness.sandbox.reports_created == 0


def test_request_report__answer_lost_and_list_fails__next_run_adopts(
    harness: FaultHarness,
) -> None:
    harness.sandbox.set_faults("create_answer_lost", {"use": "tenant_reports_503", "after": 1, "times": None})
    with pytest.raises(ApiUnavailableError):
        harness.run()
    assert harness.calls("create_report") == 1
    raw = harness.run_without_faults()
    assert raw.manifest.origin == "adopted"
    assert harness.sandbox.reports_created == 1


@pytest.mark.slow
@pytest.mark.parametrize("then", ["create_400", "create_403", "create_429_always", "create_not_ready_always"])
def test_request_report__answer_lost_then_refused__orphan_adopted_later(
    harness: FaultHarness, then: str
) -> None:
    """The lost report appears in the list only after a further POST was refused."""
    hidden = {"route": "tenant_reports", "fault": {"type": "merge", "json": {"items": []}}}
    harness.sandbox.set_faults("create_answer_lost", then, hidden)
    with pytest.raises(Exception, match=r"answered 4\d\d"):
        harness.run()
    raw = harness.run_without_faults()
    assert raw.manifest.origin == "adopted"
    assert harness.sandbox.reports_created == 1


def test_request_report__listing_forbidden__report_created_again(harness: FaultHarness) -> None:
    harness.sandbox.set_faults("tenant_reports_404", "create_answer_lost")
    assert is_whole(harness.run())
    assert harness.sandbox.reports_created == 2


def test_request_report__refused_before__new_request(harness: FaultHarness) -> None:
    harness.sandbox.set_faults("create_403")
    with pytest.raises(CredentialsError):
        harness.run()
    harness.run_without_faults()
    assert [each.outcome for each in harness.state.requests] == [Outcome.FAILED, Outcome.OPEN]
    assert "administrator role" in (harness.state.requests[0].reason or "")


def test_request_report__report_gone_on_resume__created_again(harness: FaultHarness) -> None:
    with harness.client() as client:
        first = request_report(client, harness.data_dir, order_of(harness))
    harness.sandbox.set_faults({"use": "report_404", "times": 1})
    assert harness.run().report_id != first.report_id
    assert harness.state.requests[0].outcome is Outcome.GONE


def test_wait__report_vanishes__created_again(harness: FaultHarness) -> None:
    harness.sandbox.set_faults({"use": "stored_404", "times": 1}, {"use": "report_404", "times": 1})
    assert is_whole(harness.run(timeout=30))
    latest = harness.state.latest
    assert latest is not None
    assert [each.outcome for each in latest.reports] == [Outcome.GONE, Outcome.OPEN]


def test_wait__report_failed__attempts_counted_across_runs(harness: FaultHarness) -> None:
    """Three reports in all, although each run's deadline passes in the pause after a failure."""
    harness.sandbox.set_faults("stored_failed_always")
    for ending in (ReportNotReadyError, ReportNotReadyError, ReportFailedError):
        with pytest.raises(ending, match="failed"):
            harness.run(timeout=0.1)
    (request,) = harness.state.requests
    assert [each.outcome for each in request.reports] == [Outcome.FAILED] * 3
    assert request.outcome is Outcome.FAILED
    assert harness.sandbox.reports_created == 3


def test_wait__second_creation_lost__next_run_adopts_orphan(harness: FaultHarness) -> None:
    harness.sandbox.set_faults(
        {"use": "stored_failed_first"},
        {"use": "create_answer_lost", "after": 1},
        {"use": "tenant_reports_503", "after": 2, "times": None},
    )
    with pytest.raises(ApiUnavailableError):
        harness.run(timeout=30)
    assert harness.sandbox.reports_created == 2
    harness.sandbox.set_faults()
    with harness.client() as client:
        request = request_report(client, harness.data_dir, order_of(harness))
    assert [each.origin for each in request.reports] == ["created", "adopted"]
    assert harness.run_without_faults().report_id == request.report_id
    assert harness.sandbox.reports_created == 2


def test_download__failed_in_two_runs__report_created_again(harness: FaultHarness) -> None:
    harness.sandbox.set_faults("json_truncated")
    reports = []
    for _ in range(3):
        with pytest.raises(Exception, match="does not end") as error:
            harness.run()
        reports.append(getattr(error.value, "report_id", None))
    assert reports[0] == reports[1] != reports[2]
    assert harness.sandbox.reports_created == 2


def test_download__404__report_is_gone(harness: FaultHarness) -> None:
    harness.sandbox.set_faults("download_404")
    with pytest.raises(ApiError, match="another report is requested"):
        harness.run()
    assert harness.state.requests[0].outcome is Outcome.GONE
