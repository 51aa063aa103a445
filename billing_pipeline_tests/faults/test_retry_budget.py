"""What a server that has stopped answering costs: a bounded number of requests, wherever it stops."""

from __future__ import annotations

import pytest

from billing_pipeline.acronis import ApiUnavailableError
from billing_pipeline.acronis.retries import ATTEMPTS
from billing_pipeline.ordering import UNANSWERED_REQUESTS
from billing_pipeline_tests.faults.sandbox import FaultySandbox
from billing_pipeline_tests.harness.command_line import CliHarness
from billing_pipeline_tests.harness.faults import FaultHarness

DEAD = [
    {"type": "answer", "status": 503},
    {"type": "answer", "status": 429, "headers": {"Retry-After": "1000000"}},
    {"type": "silence", "how": "reset"},
    {"type": "answer", "text": "<html>"},
]


@pytest.mark.parametrize("fault", DEAD, ids=["503", "429", "reset", "nonsense"])
@pytest.mark.parametrize("after", range(7))
def test_a_server_that_stops_answering(harness: FaultHarness, fault: dict[str, object], after: int) -> None:
    """From its first, second, … seventh request on: token, client, list, order, looks, download."""
    harness.sandbox.set_faults({"route": "any", "after": after, "fault": fault})
    with pytest.raises(Exception, match=r"Run it again"):
        harness.run(timeout=30)
    unanswered = len(harness.sandbox.requests) - after
    assert 1 < unanswered <= UNANSWERED_REQUESTS
    assert harness.sandbox.reports_created <= 1


def test_an_outage_of_some_looks_is_outlasted_and_a_longer_one_is_given_up(harness: FaultHarness) -> None:
    harness.sandbox.set_faults({"use": "stored_503_always", "times": UNANSWERED_REQUESTS - 1})
    harness.run(timeout=30)
    assert harness.sandbox.reports_created == 1
    assert harness.calls("stored_reports") > UNANSWERED_REQUESTS


def test_looks_that_are_never_answered_use_the_whole_budget(harness: FaultHarness) -> None:
    harness.sandbox.set_faults("stored_503_always")
    with pytest.raises(ApiUnavailableError):
        harness.run(timeout=30)
    assert harness.calls("stored_reports") == UNANSWERED_REQUESTS


def test_the_limit_is_the_one_that_is_documented() -> None:
    assert (ATTEMPTS, UNANSWERED_REQUESTS) == (5, 25)


def test_fifty_periods_cost_no_more_than_one(cli: CliHarness, sandbox: FaultySandbox) -> None:
    sandbox.set_faults("everything_503")
    done = cli.command(
        "run", "--from", "2022-08", "--to", "2026-09", settings={"BILLING_FIRST_PERIOD": "2020-01"}
    )
    assert done.returncode != 0
    assert 1 <= len(sandbox.requests) <= ATTEMPTS
    (message,) = done.stderr.strip().splitlines()
    assert "503" in message
    assert "Traceback" not in done.stdout + done.stderr


def test_an_error_of_the_client_itself_is_not_retried(harness: FaultHarness) -> None:
    harness.sandbox.set_faults("create_405")
    with pytest.raises(Exception, match="405") as error:
        harness.run()
    assert not isinstance(error.value, ApiUnavailableError)
    assert harness.calls("create_report") == 1
