"""Every fault while a report is requested, awaited and downloaded: its outcome, and the run after it."""

from __future__ import annotations

import pytest

from billing_pipeline.errors import BillingPipelineError
from billing_pipeline.landing import RawReport
from billing_pipeline_tests.faults.catalogue import Outcome, outcomes
from billing_pipeline_tests.harness.faults import FaultHarness, is_whole

OUTCOMES = outcomes("ordering")


def test_catalogue__ordering_faults__at_least_sixty() -> None:
    assert len(OUTCOMES) >= 60


@pytest.mark.slow
@pytest.mark.parametrize("name", OUTCOMES)
def test_ordering__each_fault__outcome_of_the_catalogue(
    harness: FaultHarness, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    outcome = OUTCOMES[name]
    harness.sandbox.set_faults({"use": name, **outcome.varied})

    ended = end_of(harness)

    check_ending(harness, outcome, ended)
    assert harness.sandbox.reports_created == outcome.created
    assert outcome.posts is None or harness.calls("create_report") == outcome.posts
    assert outcome.warns is None or outcome.warns in harness.warnings()
    if outcome.warns and "not documented" in outcome.warns:
        assert harness.warnings().count(outcome.warns) == 1

    raw = harness.run_without_faults()

    assert is_whole(raw)
    assert harness.sandbox.reports_created == outcome.created_after
    check_nothing_is_left_over(harness, raw)
    check_secrets(harness, f"{ended!r} {ended} {harness.warnings()} {caplog.text}")


def end_of(harness: FaultHarness) -> RawReport | BillingPipelineError:
    try:
        return harness.run()
    except BillingPipelineError as error:
        return error


def check_ending(harness: FaultHarness, outcome: Outcome, ended: RawReport | BillingPipelineError) -> None:
    if isinstance(ended, RawReport):
        assert outcome.error is None
        assert is_whole(ended)
        assert ended.manifest.origin == outcome.origin
        return
    assert type(ended).__name__ == outcome.error, str(ended)
    assert outcome.says in str(ended)
    assert ended.todo in str(ended)
    # One line of readable length, with the report's id once there is a report.
    assert "\n" not in str(ended)
    assert len(str(ended)) < 700
    if outcome.created and ended.report_id is None:
        pytest.fail("the message does not name the report")
    assert [name for name in harness.report_files() if not is_final(name)] == []


def is_final(name: str) -> bool:
    """Only a completely received file has its final name."""
    return name.endswith(("/json_v2_0.json", "/csv_v2_0.csv"))


def check_nothing_is_left_over(harness: FaultHarness, raw: RawReport) -> None:
    folder = f"raw/2026-09/{raw.report_id}"
    mine = {f"{folder}/{name}" for name in ("json_v2_0.json", "csv_v2_0.csv", "manifest.json")}
    assert mine <= set(harness.report_files())
    for name in set(harness.files()) - mine - {"requests/2026-09.json", "requests/2026-09.lock"}:
        assert is_final(name), f"{name} is a stray file"


def check_secrets(harness: FaultHarness, messages: str) -> None:
    # All tokens of the sandbox have the same prefix.
    for secret in (harness.sandbox.client_secret, "eyJzYW5kYm94Ijp0cnVlfQ"):
        assert secret not in messages
        for name, content in harness.files().items():
            assert secret.encode() not in content, name
