"""The client against a server on loopback: what it sends, and what it makes of each answer."""

from __future__ import annotations

import io
import json
import socket
import threading
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from pydantic import SecretStr

from billing_pipeline.acronis import (
    AcronisClient,
    ApiUnavailableError,
    HistoryNotReadyError,
    ReportOrder,
    StoredReportStatus,
)
from billing_pipeline.acronis.retries import ATTEMPTS
from billing_pipeline.errors import ApiError, BillingPipelineError, CredentialsError
from billing_pipeline.periods import BillingPeriod
from billing_pipeline_tests.acronis.wire import (
    CLIENT_ID,
    QUICK,
    REPORT_ID,
    SECRET,
    STORED_ID,
    TENANT_ID,
    Wire,
    as_json,
    reply,
    status,
    token,
)

TOKEN_CALL = "POST /api/2/idp/token"
TENANT_CALL = f"GET /api/2/clients/{CLIENT_ID}"
REPORT_CALL = f"GET /api/2/reports/{REPORT_ID}"
STORED_CALL = f"GET /api/2/reports/{REPORT_ID}/stored"
ORDER = ReportOrder(TENANT_ID, BillingPeriod(2026, 9), "usage_summary", "direct_partners")
TENANT = as_json({"type": "api_client", "tenant_id": TENANT_ID, "more": [1]})


def test_the_token_is_asked_for_with_basic_auth_and_a_form_and_then_carried(wire: Wire) -> None:
    wire.on(TENANT_CALL, TENANT)
    with wire.client() as client:
        assert client.own_tenant_id() == TENANT_ID
        assert client.own_tenant_id() == TENANT_ID
    asked, *calls = wire.requests
    assert asked.headers["authorization"] == "Basic " + b64encode(f"{CLIENT_ID}:{SECRET}".encode()).decode()
    assert parse_qs(asked.body.decode()) == {"grant_type": ["client_credentials"]}
    assert [each.headers["authorization"] for each in calls] == ["Bearer token-one-0123456789"] * 2


def test_a_token_is_renewed_before_it_expires(wire: Wire) -> None:
    wire.on(TOKEN_CALL, token("token-one-0123456789", expires_in=0.001), token("token-two-0123456789"))
    wire.on(TENANT_CALL, TENANT)
    with wire.client() as client:
        for _ in range(3):
            client.own_tenant_id()
    assert wire.calls() == [TOKEN_CALL, TENANT_CALL, TOKEN_CALL, TENANT_CALL, TENANT_CALL] or (
        wire.calls() == [TOKEN_CALL, TOKEN_CALL, TENANT_CALL, TENANT_CALL, TENANT_CALL]
    )


@pytest.mark.parametrize("expires", [{"expires_on": 0}, {"expires_on": 4e12}, {"expires_in": -5}, {}])
def test_a_strange_expiry_does_not_cost_a_token_for_each_call(wire: Wire, expires: dict[str, Any]) -> None:
    wire.on(TOKEN_CALL, as_json({"access_token": "a-token-0123456789", **expires}))
    wire.on(TENANT_CALL, TENANT)
    with wire.client() as client:
        for _ in range(3):
            client.own_tenant_id()
    assert wire.calls().count(TOKEN_CALL) == 1


def test_after_a_401_the_token_is_renewed_once_and_the_call_repeated(wire: Wire) -> None:
    wire.on(TOKEN_CALL, token(), token("token-two-0123456789"))
    wire.on(TENANT_CALL, status(401), TENANT)
    with wire.client() as client:
        assert client.own_tenant_id() == TENANT_ID
    assert wire.calls() == [TOKEN_CALL, TENANT_CALL, TOKEN_CALL, TENANT_CALL]
    assert wire.requests[-1].headers["authorization"] == "Bearer token-two-0123456789"


def test_a_second_401_is_a_credentials_error(wire: Wire) -> None:
    wire.on(TENANT_CALL, status(401, message="Token is invalid"))
    with wire.client() as client, pytest.raises(CredentialsError, match="Token is invalid") as error:
        client.own_tenant_id()
    assert wire.calls().count(TENANT_CALL) == 2
    assert (error.value.status, error.value.code) == (401, "E1")
    assert "ACRONIS_CLIENT_SECRET" in error.value.todo


def test_threads_that_meet_a_401_together_renew_the_token_once(wire: Wire) -> None:
    together = threading.Barrier(6)
    valid = "Bearer token-two-0123456789"
    wire.on(TOKEN_CALL, token(), token("token-two-0123456789"))
    answer_to = wire.answer_to

    def answer(request: Any) -> Any:
        if request.path.endswith("/stored"):
            if request.headers["authorization"] != valid:
                together.wait(timeout=20)
                return status(401)
            return as_json({"items": []})
        return answer_to(request)

    wire.answer_to = answer  # type: ignore[method-assign]
    with wire.client(read_timeout=20) as client, ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: client.stored_reports(REPORT_ID), range(6)))
    assert answers == [[]] * 6
    assert wire.calls() == [TOKEN_CALL, TOKEN_CALL]


@pytest.mark.parametrize(
    ("code", "body"),
    [
        (401, {"error": "invalid_client", "error_description": "none"}),
        (400, {"error": "invalid_client"}),
    ],
)
def test_wrong_credentials_are_named_at_once(wire: Wire, code: int, body: dict[str, str]) -> None:
    wire.on(TOKEN_CALL, as_json(body, code=code))
    with wire.client() as client, pytest.raises(CredentialsError, match="invalid_client") as error:
        client.own_tenant_id()
    assert (error.value.code, len(wire.requests)) == ("invalid_client", 1)


def test_a_client_id_that_is_no_uuid_sends_nothing(wire: Wire) -> None:
    client = AcronisClient(wire.base_url, "../me", SecretStr(SECRET), retry_policy=QUICK)
    with client, pytest.raises(CredentialsError, match="UUID"):
        client.own_tenant_id()
    assert wire.requests == []


@pytest.mark.parametrize("code", [408, 425, 429, 500, 502, 503, 504, 599])
def test_what_may_pass_is_tried_again_and_given_up_in_the_end(wire: Wire, code: int) -> None:
    wire.on(REPORT_CALL, status(code), status(code), as_json({"id": REPORT_ID}))
    with wire.client() as client:
        assert client.report(REPORT_ID).id == REPORT_ID
        wire.on(REPORT_CALL, status(code, message="not today"))
        with pytest.raises(ApiUnavailableError, match="not today") as error:
            client.report(REPORT_ID)
    assert error.value.status == code
    assert wire.calls().count(REPORT_CALL) == 3 + ATTEMPTS


@pytest.mark.parametrize("code", [400, 403, 404, 405, 409, 410, 415, 422, 501])
def test_what_will_not_pass_is_not_tried_again(wire: Wire, code: int) -> None:
    wire.on(REPORT_CALL, status(code, message="because"))
    with wire.client() as client, pytest.raises(ApiError, match="because") as error:
        client.report(REPORT_ID)
    assert not isinstance(error.value, ApiUnavailableError)
    assert isinstance(error.value, CredentialsError) == (code == 403)
    assert wire.calls().count(REPORT_CALL) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200",
        b"no HTTP at all\r\n\r\n",
        reply(b'{"id": "20d', length=500),
        reply(b"<html><title>Sign in</title>"),
        reply(b"[]"),
        reply(b"\xff\xfe{}"),
        reply(b'{"id": "../../etc"}'),
        as_json({"error": {"code": 1, "message": "in a 200"}}),
        reply(b"[" * 100_000),
    ],
    ids=[
        "closed",
        "half a head",
        "not HTTP",
        "cut",
        "HTML",
        "a list",
        "not UTF-8",
        "bad id",
        "error",
        "nested",
    ],
)
def test_an_answer_that_is_none_is_asked_for_again(wire: Wire, answer: bytes) -> None:
    wire.on(REPORT_CALL, answer, as_json({"id": REPORT_ID.upper()}))
    with wire.client() as client:
        assert client.report(REPORT_ID).id == REPORT_ID
    assert wire.calls().count(REPORT_CALL) == 2


def test_a_head_that_trickles_in_is_given_up(wire: Wire) -> None:
    whole = as_json({"id": REPORT_ID})
    first, rest = whole.split(b"\r\n", 1)
    trickle: list[bytes | float] = [first + b"\r\nX-Filler: "]
    for _ in range(40):
        trickle += [b"x", 0.05]
    wire.on(REPORT_CALL, [*trickle, b"\r\n" + rest], whole)
    with wire.client(read_timeout=0.5) as client:
        assert client.report(REPORT_ID).id == REPORT_ID
    assert wire.calls().count(REPORT_CALL) == 2


def test_a_slow_answer_within_the_timeout_is_waited_for(wire: Wire) -> None:
    wire.on(REPORT_CALL, [0.6, as_json({"id": REPORT_ID})])
    with wire.client(connect_timeout=0.3, read_timeout=5) as client:
        assert client.report(REPORT_ID).id == REPORT_ID
    assert wire.calls().count(REPORT_CALL) == 1


def test_a_report_other_than_the_one_asked_for_is_refused(wire: Wire) -> None:
    wire.on(REPORT_CALL, as_json({"id": STORED_ID}))
    with wire.client() as client, pytest.raises(ApiError, match="another report"):
        client.report(REPORT_ID)


@pytest.mark.parametrize("bad", ["", "..", "../x", REPORT_ID + "/x", REPORT_ID[:-1], "{" + REPORT_ID + "}"])
def test_an_id_that_is_no_uuid_gets_into_no_url(wire: Wire, bad: str) -> None:
    with wire.client() as client:
        for call in (client.report, client.stored_reports, client.tenant_reports):
            with pytest.raises(ValueError, match="UUID"):
                call(bad)
        with pytest.raises(ValueError, match="UUID"):
            client.download(REPORT_ID, bad, io.BytesIO())
    assert wire.requests == []


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_named_and_never_followed(wire: Wire, code: int) -> None:
    elsewhere = f"http://localhost:{wire.port}/api/2/elsewhere?token=secret"
    wire.on(REPORT_CALL, reply(b"", f"Location: {elsewhere}", code=code))
    with wire.client() as client, pytest.raises(ApiError, match="http://localhost") as error:
        client.report(REPORT_ID)
    assert "token=" not in str(error.value)
    assert "GET /api/2/elsewhere" not in " ".join(wire.calls())


def test_a_netrc_never_replaces_our_authorization(
    wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    wire.on(TENANT_CALL, TENANT)
    with wire.client() as client:
        client.own_tenant_id()
    assert wire.requests[1].headers["authorization"] == "Bearer token-one-0123456789"


def test_cookies_are_not_kept(wire: Wire) -> None:
    wire.on(TENANT_CALL, as_json({"tenant_id": TENANT_ID}, "Set-Cookie: session=1; Path=/"))
    with wire.client() as client:
        client.own_tenant_id()
        client.own_tenant_id()
    assert all("cookie" not in each.headers for each in wire.requests)


def test_a_proxy_of_the_environment_is_used(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", f"http://user:proxypassword@127.0.0.1:{wire.port}")
    monkeypatch.setenv("http_proxy", f"http://user:proxypassword@127.0.0.1:{wire.port}")
    with (
        AcronisClient(
            "http://example.invalid/api/2", CLIENT_ID, SecretStr(SECRET), retry_policy=QUICK
        ) as client,
        pytest.raises(ApiError) as error,
    ):
        client.own_tenant_id()
    assert wire.calls() == ["POST http://example.invalid/api/2/idp/token"]
    assert "proxypassword" not in str(error.value)


def test_tls_is_verified_whatever_the_session_is_told(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    client = AcronisClient(f"https://127.0.0.1:{wire.port}/api/2", CLIENT_ID, SecretStr(SECRET))
    client._transport._session.verify = False
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    with client, pytest.raises(ApiError, match="TLS verification was switched off"):
        client.own_tenant_id()
    assert wire.requests == []


def test_a_certificate_bundle_that_is_missing_is_named(
    wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
    client = AcronisClient(f"https://127.0.0.1:{wire.port}/api/2", CLIENT_ID, SecretStr(SECRET))
    with client, pytest.raises(ApiError, match=r"none\.pem"):
        client.own_tenant_id()


def test_an_unreachable_host_is_one_clear_error(wire: Wire) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    client = AcronisClient(f"http://127.0.0.1:{port}/api/2", CLIENT_ID, SecretStr(SECRET), retry_policy=QUICK)
    with client, pytest.raises(ApiUnavailableError, match="connection refused") as error:
        client.own_tenant_id()
    assert not error.value.may_have_acted
    assert f"127.0.0.1:{port}" in str(error.value)


def test_the_order_is_sent_as_documented(wire: Wire) -> None:
    wire.on("POST /api/2/reports", as_json({"id": REPORT_ID, "version": 1, "parameters": {}}, code=201))
    with wire.client() as client:
        assert client.create_report(ORDER).id == REPORT_ID
    sent = wire.requests[-1]
    assert sent.headers["content-type"] == "application/json"
    assert json.loads(sent.body) == {
        "parameters": {
            "kind": "usage_summary",
            "tenant_id": TENANT_ID,
            "level": "direct_partners",
            "period": {"start": "2026-09-01", "end": "2026-09-30"},
            "formats": ["json_v2_0", "csv_v2_0"],
            "hide_zero_usage": True,
            "show_skus": True,
        },
        "schedule": {"type": "once"},
        "result_action": "save",
        "recipients": [],
    }


@pytest.mark.parametrize(
    "answer", [b"", status(500), status(503), status(504), reply(b"{}"), reply(b"", code=202)]
)
def test_a_post_whose_answer_may_be_lost_is_not_repeated(wire: Wire, answer: bytes) -> None:
    wire.on("POST /api/2/reports", answer)
    with wire.client() as client, pytest.raises(ApiUnavailableError) as error:
        client.create_report(ORDER)
    assert error.value.may_have_acted
    assert wire.calls().count("POST /api/2/reports") == 1


def test_a_post_that_was_clearly_refused_is_repeated(wire: Wire) -> None:
    wire.on("POST /api/2/reports", status(429), as_json({"id": REPORT_ID}))
    with wire.client() as client:
        assert client.create_report(ORDER).id == REPORT_ID


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (400, "Usage history is not ready and shouldn't be ready yet (from 1 to 6 am)"),
        (500, "Usage history is not ready but should be available already (after 6 am)"),
    ],
)
def test_a_history_that_is_not_ready_is_no_bad_request(wire: Wire, code: int, message: str) -> None:
    wire.on("POST /api/2/reports", status(code, message=message))
    with wire.client() as client, pytest.raises(HistoryNotReadyError, match="history is not ready"):
        client.create_report(ORDER)


def test_stored_reports_are_typed(wire: Wire) -> None:
    wire.on(
        STORED_CALL,
        as_json(
            {
                "items": [
                    {"report_format": "json_v2_0", "status": "in_progress", "size": 0, "new": {"key": 1}},
                    {"id": STORED_ID, "report_format": "csv_v2_0", "status": "saved", "size": 5}
                    | {"created_at": "2019-08-08T07:36:58"},
                    {"id": None, "report_format": "csv", "status": "quarantined", "created_at": "soon"},
                    {"report_format": "html", "status": "saved", "size": -1},
                    {"report_format": "json_v1"},
                ]
            }
        ),
    )
    with wire.client() as client:
        items = client.stored_reports(REPORT_ID)
    known, unknown = [StoredReportStatus.IN_PROGRESS, StoredReportStatus.SAVED], StoredReportStatus.UNKNOWN
    assert [each.status for each in items] == [*known, unknown, unknown, unknown]
    assert (items[1].id, items[1].size) == (STORED_ID, 5)
    assert items[1].created_at == datetime(2019, 8, 8, 7, 36, 58, tzinfo=UTC)
    assert [each.status_text for each in items[2:]] == ["quarantined", "saved, but without an id", "None"]
    assert (items[2].created_at, items[3].size) == (None, None)


@pytest.mark.parametrize(
    "echo",
    [
        status(400, message=f"secret {SECRET}"),
        status(400, message="you are token-one-0123456789"),
        reply(f"<title>{SECRET}</title>".encode(), code=400),
        reply(b"x" * 190 + b"token-one-0123456789", code=400),
        as_json({"error": SECRET, "error_description": "token-one-0123456789"}, code=403),
        reply(f"Bearer token-one-0123456789 {SECRET}".encode()),
        as_json({"id": "token-one-0123456789"}),
        reply(b"", "Location: https://token-one-0123456789/", code=302),
    ],
)
def test_secrets_that_the_api_echoes_are_not_passed_on(
    wire: Wire, echo: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    wire.on(REPORT_CALL, echo)
    with wire.client() as client, pytest.raises(BillingPipelineError) as error:
        client.report(REPORT_ID)
    told = f"{error.value!r} {error.value} {vars(error.value)} {caplog.text}"
    for piece in (SECRET, SECRET[:10], "token-one-0", "token-one"):
        assert piece not in told


def test_a_message_is_quoted_short(wire: Wire) -> None:
    wire.on(REPORT_CALL, status(400, message="long " * 10_000))
    with wire.client() as client, pytest.raises(ApiError) as error:
        client.report(REPORT_ID)
    assert len(str(error.value)) < 600


def test_stop_ends_the_retries(wire: Wire) -> None:
    stop = threading.Event()
    stop.set()
    wire.on(REPORT_CALL, status(503))
    with wire.client(stop=stop) as client, pytest.raises(ApiUnavailableError):
        client.report(REPORT_ID)
    assert wire.calls().count(REPORT_CALL) == 1
