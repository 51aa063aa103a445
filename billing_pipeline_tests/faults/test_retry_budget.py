"""The retry budget: a server that stops answering costs a bounded number of requests."""

from __future__ import annotations

import pytest

from billing_pipeline.acronis import ApiUnavailableError
from billing_pipeline.acronis.retries import ATTEMPTS
from billing_pipeline_tests.faults.sandbox import FaultySandbox
from billing_pipeline_tests.harness.command_line import CliHarness, errors
from billing_pipeline_tests.harness.faults import UNANSWERED_REQUESTS, FaultHarness

DEAD = [
    {"type": "answer", "status": 503},
    {"type": "answer", "status": 429, "headers": {"Retry-After": "1000000"}},
    {"type": "silence", "how": "reset"},
    {"type": "answer", "text": "<html>"},
]


@pytest.mark.slow
@pytest.mark.parametrize("fault", DEAD, ids=["503", "429", "reset", "nonsense"])
@pytest.mark.parametrize("after", range(7))
def test_run__server_stops_answering__bounded_requests(
    harness: FaultHarness, fault: dict[str, object], after: int
) -> None:
    """From its first, second, … seventh request on: token, client, list, POST, polls, download."""
    harness.sandbox.set_faults({"route": "any", "after": after, "fault": fault})
    with pytest.raises(Exception, match=r"Run it again"):
        harness.run(timeout=30)
    unanswered = len(harness.sandbox.requests) - after
    assert 1 < unanswered <= UNANSWERED_REQUESTS
    assert harness.sandbox.reports_created <= 1


def test_wait__outage__retried_until_the_budget_is_spent(harness: FaultHarness) -> None:
    harness.sandbox.set_faults({"use": "stored_503_always", "times": UNANSWERED_REQUESTS - 1})
    harness.run(timeout=30)
    assert harness.sandbox.reports_created == 1
    assert harness.calls("stored_reports") > UNANSWERED_REQUESTS


def test_wait__polls_never_answered__whole_budget_used(harness: FaultHarness) -> None:
    harness.sandbox.set_faults("stored_503_always")
    with pytest.raises(ApiUnavailableError):
        harness.run(timeout=30)
    assert harness.calls("stored_reports") == UNANSWERED_REQUESTS


def test_unanswered_requests__limit__as_documented() -> None:
    assert (ATTEMPTS, UNANSWERED_REQUESTS) == (5, 25)


@pytest.mark.slow
def test_run__fifty_periods_in_an_outage__requests_of_one(cli: CliHarness, sandbox: FaultySandbox) -> None:
    sandbox.set_faults("everything_503")
    done = cli.command(
        "run", "--from", "2022-08", "--to", "2026-09", settings={"BILLING_FIRST_PERIOD": "2020-01"}
    )
    assert done.returncode != 0
    assert 1 <= len(sandbox.requests) <= ATTEMPTS
    (message,) = errors(done.stderr)
    assert "503" in message
    assert "Traceback" not in done.stdout + done.stderr


def test_create_report__status_405__not_retried(harness: FaultHarness) -> None:
    harness.sandbox.set_faults("create_405")
    with pytest.raises(Exception, match="405") as error:
        harness.run()
    assert not isinstance(error.value, ApiUnavailableError)
    assert harness.calls("create_report") == 1
