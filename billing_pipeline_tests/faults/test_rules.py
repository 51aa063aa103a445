"""The fault catalogue, and the rules that decide which requests a fault affects."""

from __future__ import annotations

import pytest

from billing_pipeline_tests.faults.catalogue import CATALOGUE
from billing_pipeline_tests.faults.conftest import Opener
from billing_pipeline_tests.faults.sandbox import FaultySandbox
from billing_pipeline_tests.harness.api_caller import Caller


def test_catalogue__each_fault__valid_rule_and_unique_meaning(caller: Caller[FaultySandbox]) -> None:
    assert len(CATALOGUE) >= 60
    for name, fault in CATALOGUE.items():
        caller.sandbox.set_faults(name)
        assert fault.meaning
        assert not fault.meaning.endswith(".")
    assert len({fault.meaning for fault in CATALOGUE.values()}) == len(CATALOGUE)


def test_set_faults__name_and_variation__both_active_until_removed(caller: Caller[FaultySandbox]) -> None:
    sandbox = caller.sandbox
    sandbox.set_faults("create_403", {"use": "stored_503_always", "times": 1, "after": 1})
    assert [rule["name"] for rule in sandbox.faults] == ["create_403", "stored_503_always"]
    assert caller.call("POST", "/reports", json=caller.body()).status_code == 403
    assert [(rule["seen"], rule["struck"]) for rule in sandbox.faults] == [(1, 1), (0, 0)]
    assert sandbox.requests[-1]["fault"] == "create_403"
    sandbox.set_faults()
    assert caller.call("POST", "/reports", json=caller.body()).status_code == 200


@pytest.mark.parametrize(
    "entries",
    [
        ["nothing of that name"],
        [{"use": "nothing of that name"}],
        [7],
        [{"route": "everywhere", "fault": {"type": "revoke"}}],
        [{"route": [], "fault": {"type": "revoke"}}],
        [{"route": "any"}],
        [{"route": "any", "fault": {"type": "magic"}}],
        [{"route": "any", "fault": {"type": "revoke", "status": 1}}],
        [{"route": "any", "fault": {"type": "silence", "how": "loudly"}}],
        [{"route": "any", "fault": {"type": "revoke"}, "times": -1}],
        [{"route": "any", "fault": {"type": "revoke"}, "often": True}],
    ],
)
def test_set_faults__bad_rule__refused_and_old_rules_kept(
    caller: Caller[FaultySandbox], entries: list[object]
) -> None:
    caller.sandbox.set_faults("create_403")
    with pytest.raises(ValueError, match=r"\w+ "):
        caller.sandbox.set_faults(*entries)
    assert [rule["name"] for rule in caller.sandbox.faults] == ["create_403"]


def test_match__after_times_every__counts_requests(caller: Caller[FaultySandbox]) -> None:
    fault = {"type": "answer", "status": 503}
    caller.sandbox.set_faults({"route": "report", "fault": fault, "after": 1, "times": 2, "every": 2})
    path = f"/reports/{caller.create()}"
    statuses = [caller.call("GET", path).status_code for _ in range(6)]
    assert statuses == [200, 503, 200, 503, 200, 200]


def test_match__any_route_or_first_reports__only_those(
    caller: Caller[FaultySandbox], open_sandbox: Opener
) -> None:
    caller.sandbox.set_faults("everything_503")
    assert caller.call("GET", "/clients/x").status_code == 503
    assert caller.call("POST", "/idp/token").status_code == 503
    fresh = open_sandbox()
    fresh.sandbox.set_faults("stored_failed_first")
    first, second = fresh.create(), fresh.create()
    assert fresh.saved(second)
    assert {item["status"] for item in fresh.poll(first)} == {"failed"}
    assert {item["status"] for item in fresh.poll(second)} == {"saved"}
