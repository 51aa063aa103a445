"""The API's documented behaviour, over real HTTP."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import requests

from billing_pipeline_tests.harness.api_caller import NOW, Caller
from billing_pipeline_tests.harness.recording_sandbox import RecordingSandbox
from billing_pipeline_tests.sandbox.conftest import Opener


def _token_request(caller: Caller[RecordingSandbox], **arguments: Any) -> requests.Response:
    defaults = {
        "auth": (caller.sandbox.client_id, caller.sandbox.client_secret),
        "data": {"grant_type": "client_credentials"},
    }
    return requests.post(caller.url + "/idp/token", timeout=10, **(defaults | arguments))


def test_tenant__of_the_tree__has_name_and_kind(shared_caller: Caller[RecordingSandbox]) -> None:
    root = shared_caller.sandbox.distributor.root
    child = next(iter(root.children))

    answers = [shared_caller.call("GET", f"/tenants/{each.id}").json() for each in (root, child)]

    assert [(each["id"], each["kind"], each["parent_id"]) for each in answers] == [
        (root.id, "partner", None),
        (child.id, child.kind, root.id),
    ]
    assert all(each["name"] for each in answers)


def test_tenant__outside_the_tree__forbidden(shared_caller: Caller[RecordingSandbox]) -> None:
    assert shared_caller.call("GET", f"/tenants/{uuid4()}").status_code == 403


def test_any_answer__date__is_the_clock_of_the_sandbox(shared_caller: Caller[RecordingSandbox]) -> None:
    answer = _token_request(shared_caller)

    assert answer.headers["Date"] == "Mon, 23 Nov 2026 04:00:00 GMT"


def test_token__valid_credentials__bearer_token_for_two_hours(
    shared_caller: Caller[RecordingSandbox],
) -> None:
    answer = _token_request(shared_caller).json()
    assert answer["token_type"] == "bearer"
    assert answer["id_token"] not in {"", answer["access_token"]}
    assert answer["expires_on"] == int(NOW.timestamp()) + 7200


@pytest.mark.parametrize(
    ("arguments", "status", "error"),
    [
        ({"auth": ("somebody", "else")}, 401, "invalid_client"),
        ({"auth": None}, 401, "invalid_client"),
        ({"data": {"grant_type": "password"}}, 400, "unsupported_grant_type"),
        ({"data": None, "json": {"grant_type": "client_credentials"}}, 400, "invalid_request"),
    ],
)
def test_token__invalid_request__oauth_error_body(
    shared_caller: Caller[RecordingSandbox], arguments: dict[str, Any], status: int, error: str
) -> None:
    answer = _token_request(shared_caller, **arguments)
    assert answer.status_code == status
    assert answer.json()["error"] == error
    assert answer.json()["error_description"]


def test_token__after_two_hours__expired(open_sandbox: Opener) -> None:
    clock = [NOW]
    caller = open_sandbox(now=lambda: clock[0])
    path = f"/clients/{caller.sandbox.client_id}"
    clock[0] = NOW + timedelta(hours=2, seconds=-1)
    assert caller.call("GET", path).status_code == 200
    clock[0] = NOW + timedelta(hours=2)
    assert caller.call("GET", path).status_code == 401


@pytest.mark.parametrize("headers", [{"Authorization": ""}, {"Authorization": "Bearer wrong"}])
def test_api__no_valid_token__status_401(
    shared_caller: Caller[RecordingSandbox], headers: dict[str, str]
) -> None:
    answer = shared_caller.call("POST", "/reports", headers=headers, json=shared_caller.body())
    assert answer.status_code == 401
    assert set(answer.json()["error"]) == {"code", "domain", "message", "details", "context"}
    assert answer.json()["error"]["details"]["info"]


def test_clients__own_id__names_the_tenant(shared_caller: Caller[RecordingSandbox]) -> None:
    answer = shared_caller.call("GET", f"/clients/{shared_caller.sandbox.client_id}").json()
    assert answer["type"] == "api_client"
    assert answer["tenant_id"] == shared_caller.sandbox.tenant_id == str(UUID(answer["tenant_id"]))
    assert shared_caller.call("GET", f"/clients/{uuid4()}").status_code == 404
    required_by_the_schema = {
        "client_secret_expires_at", "token_endpoint_auth_method", "created_by", "last_access_at",
        "last_access_from_ip",
    }  # fmt: skip
    assert required_by_the_schema <= answer.keys()


def _without(body: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != name}


BAD_PARAMETERS: list[dict[str, Any]] = [
    {"kind": None},
    {"kind": "usage"},
    {"kind": 5},
    {"level": None},
    {"level": "everybody"},
    {"tenant_id": None},
    {"tenant_id": "not-a-uuid"},
    {"tenant_id": "DF7637BB-1C1E-42D8-8880-F13D98DDE4BC"},
    {"hide_zero_usage": "true"},
    {"hide_zero_usage": 1},
    {"show_skus": "false"},
    {"formats": ["xlsx"]},
    {"formats": []},
    {"formats": "json_v2_0"},
    {"period": "2026-09"},
    {"period": {"start": "2026-09-01"}},
    {"period": {"start": "2026-09-30", "end": "2026-09-01"}},
    {"period": {"start": "2026-09-01", "end": "2026-09-31"}},
    {"period": {"start": "2026-9-1", "end": "2026-09-30"}},
    {"period": {"start": "2026-11-01", "end": "2026-11-24"}},
    {"period": {"start": "2026-12-01", "end": "2026-12-31"}},
]


@pytest.mark.parametrize("parameters", BAD_PARAMETERS, ids=str)
def test_create_report__invalid_parameter__status_400_names_it(
    shared_caller: Caller[RecordingSandbox], parameters: dict[str, Any]
) -> None:
    answer = shared_caller.call("POST", "/reports", json=shared_caller.body(**parameters))
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert set(error) == {"code", "domain", "message", "details", "context"}
    assert next(iter(parameters)) in error["details"]["info"]


def test_create_report__invalid_body__status_400_or_415(shared_caller: Caller[RecordingSandbox]) -> None:
    good = shared_caller.body()
    bodies = [
        good | {"idempotency_key": "1"},
        _without(good, "parameters"),
        _without(good, "schedule"),
        _without(good, "result_action"),
        good | {"schedule": {"type": "weekly"}},
        good | {"schedule": {}},
        good | {"result_action": "print"},
        good | {"recipients": "me"},
        [good],
    ]
    for body in bodies:
        assert shared_caller.call("POST", "/reports", json=body).status_code == 400, body
    json_type = {"Content-Type": "application/json"}
    assert shared_caller.call("POST", "/reports", data="{not json", headers=json_type).status_code == 400
    assert shared_caller.call("POST", "/reports", data="{}", headers={}).status_code == 415


def test_create_report__generation_date__echoed_with_an_enabled_schedule(
    shared_caller: Caller[RecordingSandbox],
) -> None:
    body = shared_caller.body() | {"generation_date": "2026-10-02"}
    report = shared_caller.call("POST", "/reports", json=body).json()
    assert report["generation_date"] == "2026-10-02"
    assert report["schedule"] == {"enabled": True, "type": "once"}
    bad = body | {"generation_date": "soon"}
    assert shared_caller.call("POST", "/reports", json=bad).status_code == 400


def test_create_report__booleans_as_strings__taken_only_if_lenient(open_sandbox: Opener) -> None:
    texts = {"hide_zero_usage": "true", "show_skus": "false"}
    strict, lenient = open_sandbox(), open_sandbox(lenient=True)
    assert strict.call("POST", "/reports", json=strict.body(**texts)).status_code == 400
    report = lenient.call("POST", "/reports", json=lenient.body(**texts)).json()
    assert report["parameters"]["hide_zero_usage"] is True
    assert report["parameters"]["show_skus"] is False
    assert "sku" not in lenient.download(report["id"])["csv_v2_0"].text.split("\r\n")[0]


def test_create_report__no_recipients__created(shared_caller: Caller[RecordingSandbox]) -> None:
    body = _without(shared_caller.body(), "recipients")
    assert shared_caller.call("POST", "/reports", json=body).status_code == 200


def test_create_report__period_ends_today__created(shared_caller: Caller[RecordingSandbox]) -> None:
    shared_caller.create(period={"start": "2026-11-01", "end": "2026-11-23"})


def test_create_report__foreign_tenant__status_403(shared_caller: Caller[RecordingSandbox]) -> None:
    stranger = str(uuid4())
    body = shared_caller.body(tenant_id=stranger)
    assert shared_caller.call("POST", "/reports", json=body).status_code == 403
    assert shared_caller.call("GET", f"/tenants/{stranger}/reports").status_code == 403


def test_reports__created_then_deleted__listed_only_while_existing(open_sandbox: Opener) -> None:
    caller = open_sandbox()
    first, second = caller.create(), caller.create()
    assert first != second
    report = caller.call("GET", f"/reports/{first}").json()
    assert report["id"] == first
    assert report["version"] == 1
    assert report["generation_date"] == "2026-11-23"
    assert report["parameters"] == caller.body()["parameters"]
    listed = f"/tenants/{caller.sandbox.tenant_id}/reports"
    assert caller.call("GET", listed).json() == {"items": [first, second]}

    assert caller.call("DELETE", f"/reports/{first}").status_code == 400
    assert caller.call("DELETE", f"/reports/{first}?version=2").status_code == 409
    assert caller.call("DELETE", f"/reports/{first}?version=1").status_code == 204
    assert caller.call("GET", f"/reports/{first}").status_code == 404
    assert caller.call("GET", f"/reports/{first}/stored").status_code == 404
    assert caller.call("GET", listed).json() == {"items": [second]}
    assert caller.sandbox.reports_created == 2


def test_stored_reports__polled__empty_then_in_progress_then_saved(open_sandbox: Opener) -> None:
    caller = open_sandbox(empty_polls=1, in_progress_polls=2)
    report_id = caller.create()
    assert caller.poll(report_id) == []
    for _ in range(2):
        items = caller.poll(report_id)
        assert [item["status"] for item in items] == ["in_progress", "in_progress"]
        assert all("id" not in item for item in items)
    items = caller.saved(report_id)
    assert {item["report_format"]: item["status"] for item in items} == {
        "json_v2_0": "saved",
        "csv_v2_0": "saved",
    }
    for item in items:
        assert str(UUID(item["id"])) == item["id"]
        assert datetime.fromisoformat(item["created_at"]) == NOW.astimezone(UTC)


def test_download__saved_report__gzip_of_the_stated_compressed_size(
    shared_caller: Caller[RecordingSandbox],
) -> None:
    report_id = shared_caller.create()
    for item in shared_caller.saved(report_id):
        answer = shared_caller.call("GET", f"/reports/{report_id}/stored/{item['id']}")
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Content-Encoding"] == "gzip"
        assert int(answer.headers["Content-Length"]) == item["size"] < len(answer.content)
    assert shared_caller.call("GET", f"/reports/{report_id}/stored/{uuid4()}").status_code == 404


def test_download__report_not_ready__status_404(open_sandbox: Opener) -> None:
    caller = open_sandbox(empty_polls=10)
    assert caller.poll(caller.create()) == []
    assert caller.call("GET", f"/reports/{uuid4()}/stored/{uuid4()}").status_code == 404


def test_api__unknown_path_or_method__status_404_or_405(shared_caller: Caller[RecordingSandbox]) -> None:
    assert shared_caller.call("GET", "/nothing").status_code == 404
    assert shared_caller.call("PATCH", "/reports").status_code == 405
    assert requests.get(shared_caller.sandbox.base_url + "/", timeout=10).status_code == 404


def test_requests__three_calls__logged_without_the_token(open_sandbox: Opener) -> None:
    caller = open_sandbox()
    report_id = caller.create()
    caller.call("GET", f"/reports/{uuid4()}")
    seen = requests.get(caller.sandbox.base_url + "/sandbox/requests", timeout=10).json()
    assert [(item["method"], item["route"], item["status"]) for item in seen["items"]] == [
        ("POST", "token", 200),
        ("POST", "create_report", 200),
        ("GET", "report", 404),
    ]
    assert seen["counts"] == {"POST token": 1, "POST create_report": 1, "GET report": 1}
    assert seen["reports_created"] == 1
    assert all(item["authorized"] for item in seen["items"])
    assert str(caller.token) not in str(seen)
    assert report_id in str(caller.call("GET", f"/reports/{report_id}").json())


def test_server__requests_of_one_session__share_a_connection(shared_caller: Caller[RecordingSandbox]) -> None:
    with requests.Session() as session:
        ports = set()
        for _ in range(3):
            answer = session.get(shared_caller.url + "/nothing", timeout=10, stream=True)
            connection: Any = answer.raw._connection
            ports.add(connection.sock.getsockname())
            assert answer.content
    assert len(ports) == 1


def test_sandbox__stopped__port_and_connections_closed(open_sandbox: Opener) -> None:
    caller = open_sandbox()
    port = int(caller.sandbox.base_url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as idle:
        idle.sendall(b"GET /api/2/nothing HTTP/1.1\r\nHost: sandbox\r\n\r\n")
        while not idle.recv(1 << 16).endswith(b"}"):
            pass
        caller.sandbox.stop()
        assert idle.recv(1) == b""
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", port), timeout=10)
