"""The catalogue of faults, and rules that say when one strikes."""

from __future__ import annotations

import pytest
import requests

from billing_pipeline.sandbox.faults import CATALOGUE
from billing_pipeline_tests.sandbox.conftest import Caller, Opener


def test_the_catalogue_is_large_and_every_entry_is_valid(caller: Caller) -> None:
    assert len(CATALOGUE) >= 60
    for name, fault in CATALOGUE.items():
        caller.sandbox.set_faults(name)
        assert fault.meaning
        assert not fault.meaning.endswith(".")
    assert len({fault.meaning for fault in CATALOGUE.values()}) == len(CATALOGUE)


def test_rules_are_controlled_over_http(caller: Caller) -> None:
    url = caller.sandbox.base_url + "/sandbox/faults"
    answer = requests.put(
        url, json=["create_403", {"use": "stored_503_always", "times": 1, "after": 1}], timeout=10
    )
    assert [rule["name"] for rule in answer.json()["rules"]] == ["create_403", "stored_503_always"]
    assert caller.call("POST", "/reports", json=caller.body()).status_code == 403
    rules = requests.get(url, timeout=10).json()["rules"]
    assert [(rule["seen"], rule["struck"]) for rule in rules] == [(1, 1), (0, 0)]
    journal = requests.get(caller.sandbox.base_url + "/sandbox/requests", timeout=10).json()["items"]
    assert journal[-1]["fault"] == "create_403"
    assert requests.delete(url, timeout=10).status_code == 204
    assert caller.call("POST", "/reports", json=caller.body()).status_code == 200
    catalogue = requests.get(caller.sandbox.base_url + "/sandbox/catalogue", timeout=10).json()
    assert catalogue == {name: fault.meaning for name, fault in CATALOGUE.items()}


@pytest.mark.parametrize(
    "body",
    [
        {"route": "any"},
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
def test_bad_rules_are_refused_and_change_nothing(caller: Caller, body: object) -> None:
    caller.sandbox.set_faults("create_403")
    answer = requests.put(caller.sandbox.base_url + "/sandbox/faults", json=body, timeout=10)
    assert answer.status_code == 400
    assert answer.json()["error"]["details"]["info"]
    assert [rule["name"] for rule in caller.sandbox.faults] == ["create_403"]


def test_a_rule_strikes_after_so_many_and_so_often(caller: Caller) -> None:
    fault = {"type": "answer", "status": 503}
    caller.sandbox.set_faults({"route": "report", "fault": fault, "after": 1, "times": 2, "every": 2})
    path = f"/reports/{caller.order()}"
    statuses = [caller.call("GET", path).status_code for _ in range(6)]
    assert statuses == [200, 503, 200, 503, 200, 200]


def test_a_rule_can_strike_any_route_and_the_first_reports_only(caller: Caller, open_sandbox: Opener) -> None:
    caller.sandbox.set_faults("everything_503")
    assert caller.call("GET", "/clients/x").status_code == 503
    assert caller.call("POST", "/idp/token").status_code == 503
    fresh = open_sandbox()
    fresh.sandbox.set_faults("stored_failed_first")
    first, second = fresh.order(), fresh.order()
    assert fresh.saved(second)
    assert {item["status"] for item in fresh.look(first)} == {"failed"}
    assert {item["status"] for item in fresh.look(second)} == {"saved"}
