"""The client against a scripted server on loopback: its requests, and its handling of each response."""

from __future__ import annotations

import io
import socket
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from billing_pipeline.acronis import (
    AcronisClient,
    ApiUnavailableError,
    StoredReportStatus,
)
from billing_pipeline.acronis.retries import ATTEMPTS
from billing_pipeline.errors import ApiError, BillingPipelineError, CredentialsError
from billing_pipeline_tests.harness.scripted_server import (
    CLIENT_ID,
    QUICK,
    REPORT_ID,
    SECRET,
    STORED_ID,
    TENANT,
    TENANT_CALL,
    TENANT_ID,
    TOKEN_CALL,
    ScriptedServer,
    as_json,
    reply,
    status,
    token,
)

REPORT_CALL = f"GET /api/2/reports/{REPORT_ID}"
DOWNLOAD_CALL = f"GET /api/2/reports/{REPORT_ID}/stored/{STORED_ID}"
TENANT_REPORTS_CALL = f"GET /api/2/tenants/{TENANT_ID}/reports"
STORED_CALL = f"GET /api/2/reports/{REPORT_ID}/stored"


@pytest.mark.parametrize("code", [408, 425, 429, 500, 502, 503, 504, 599])
def test_client__transient_status__retries_until_budget_spent(server: ScriptedServer, code: int) -> None:
    server.on(REPORT_CALL, status(code), status(code), as_json({"id": REPORT_ID}))
    with server.client() as client:
        assert client.report(REPORT_ID).id == REPORT_ID
        server.on(REPORT_CALL, status(code, message="not today"))
        with pytest.raises(ApiUnavailableError, match="not today") as error:
            client.report(REPORT_ID)
    assert error.value.status == code
    assert server.calls().count(REPORT_CALL) == 3 + ATTEMPTS


@pytest.mark.parametrize("code", [400, 403, 404, 405, 409, 410, 415, 422, 501])
def test_client__permanent_status__is_not_retried(server: ScriptedServer, code: int) -> None:
    server.on(REPORT_CALL, status(code, message="because"))
    with server.client() as client, pytest.raises(ApiError, match="because") as error:
        client.report(REPORT_ID)
    assert not isinstance(error.value, ApiUnavailableError)
    assert isinstance(error.value, CredentialsError) == (code == 403)
    assert server.calls().count(REPORT_CALL) == 1


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
def test_client__unusable_response__is_retried(server: ScriptedServer, answer: bytes) -> None:
    server.on(REPORT_CALL, answer, as_json({"id": REPORT_ID.upper()}))
    with server.client() as client:
        assert client.report(REPORT_ID).id == REPORT_ID
    assert server.calls().count(REPORT_CALL) == 2


def test_client__slow_response_within_timeout__is_awaited(server: ScriptedServer) -> None:
    server.on(REPORT_CALL, [0.6, as_json({"id": REPORT_ID})])
    with server.client(connect_timeout=0.3, read_timeout=5) as client:
        assert client.report(REPORT_ID).id == REPORT_ID
    assert server.calls().count(REPORT_CALL) == 1


def test_report__response_has_another_id__raises(server: ScriptedServer) -> None:
    server.on(REPORT_CALL, as_json({"id": STORED_ID}))
    with server.client() as client, pytest.raises(ApiError, match="another report"):
        client.report(REPORT_ID)


@pytest.mark.parametrize("bad", ["", "..", "../x", REPORT_ID + "/x", REPORT_ID[:-1], "{" + REPORT_ID + "}"])
def test_client__id_not_a_uuid__sends_nothing(server: ScriptedServer, bad: str) -> None:
    with server.client() as client:
        for call in (client.report, client.stored_reports, client.tenant_reports):
            with pytest.raises(ValueError, match="UUID"):
                call(bad)
        with pytest.raises(ValueError, match="UUID"):
            client.download(REPORT_ID, bad, io.BytesIO())
    assert server.requests == []


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_client__redirect__is_named_and_not_followed(server: ScriptedServer, code: int) -> None:
    elsewhere = f"http://localhost:{server.port}/api/2/elsewhere?token=secret"
    server.on(REPORT_CALL, reply(b"", f"Location: {elsewhere}", code=code))
    with server.client() as client, pytest.raises(ApiError, match="http://localhost") as error:
        client.report(REPORT_ID)
    assert "token=" not in str(error.value)
    assert "GET /api/2/elsewhere" not in " ".join(server.calls())


def test_client__netrc_present__keeps_own_authorization(
    server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    server.on(TENANT_CALL, TENANT)
    with server.client() as client:
        client.own_tenant_id()
    assert server.requests[1].headers["authorization"] == "Bearer token-one-0123456789"


def test_client__response_sets_cookie__is_not_sent_back(server: ScriptedServer) -> None:
    server.on(TENANT_CALL, as_json({"tenant_id": TENANT_ID}, "Set-Cookie: session=1; Path=/"))
    with server.client() as client:
        client.own_tenant_id()
        client.own_tenant_id()
    assert all("cookie" not in each.headers for each in server.requests)


def test_client__proxy_in_environment__is_used(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_PROXY", "no_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", f"http://user:proxypassword@127.0.0.1:{server.port}")
    monkeypatch.setenv("http_proxy", f"http://user:proxypassword@127.0.0.1:{server.port}")
    with (
        AcronisClient(
            "http://example.invalid/api/2", CLIENT_ID, SecretStr(SECRET), retry_policy=QUICK
        ) as client,
        pytest.raises(ApiError) as error,
    ):
        client.own_tenant_id()
    assert server.calls() == ["POST http://example.invalid/api/2/idp/token"]
    assert "proxypassword" not in str(error.value)


@pytest.mark.parametrize("no_proxy", [None, "", "example.com"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_client__loopback_url__bypasses_proxies(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, host: str, no_proxy: str | None
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        if no_proxy is not None:
            monkeypatch.setenv(name, no_proxy)
    server.on(TENANT_CALL, TENANT)
    url = f"http://{host}:{server.port}/api/2"
    with AcronisClient(url, CLIENT_ID, SecretStr(SECRET), retry_policy=QUICK) as client:
        assert client.own_tenant_id() == TENANT_ID


def test_client__certificate_bundle_missing__is_named(
    server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
    client = AcronisClient(f"https://127.0.0.1:{server.port}/api/2", CLIENT_ID, SecretStr(SECRET))
    with client, pytest.raises(ApiError, match=r"none\.pem"):
        client.own_tenant_id()


def test_client__connection_refused__one_clear_error(server: ScriptedServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    client = AcronisClient(f"http://127.0.0.1:{port}/api/2", CLIENT_ID, SecretStr(SECRET), retry_policy=QUICK)
    with client, pytest.raises(ApiUnavailableError, match="connection refused") as error:
        client.own_tenant_id()
    assert not error.value.outcome_unknown
    assert f"127.0.0.1:{port}" in str(error.value)


def test_stored_reports__items__are_typed(server: ScriptedServer) -> None:
    server.on(
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
    with server.client() as client:
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
def test_client__api_echoes_secrets__are_redacted(
    server: ScriptedServer, echo: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    server.on(REPORT_CALL, echo)
    with server.client() as client, pytest.raises(BillingPipelineError) as error:
        client.report(REPORT_ID)
    logged = f"{error.value!r} {error.value} {vars(error.value)} {caplog.text}"
    for piece in (SECRET, SECRET[:10], "token-one-0", "token-one"):
        assert piece not in logged


def test_client__long_api_message__is_shortened(server: ScriptedServer) -> None:
    server.on(REPORT_CALL, status(400, message="long " * 10_000))
    with server.client() as client, pytest.raises(ApiError) as error:
        client.report(REPORT_ID)
    assert len(str(error.value)) < 600


def test_client__stop_set__ends_retries(server: ScriptedServer) -> None:
    stop = threading.Event()
    stop.set()
    server.on(REPORT_CALL, status(503))
    with server.client(stop=stop) as client, pytest.raises(ApiUnavailableError):
        client.report(REPORT_ID)
    assert server.calls().count(REPORT_CALL) == 1


INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"


@pytest.mark.parametrize(
    "interim",
    [INTERIM, INTERIM * 3, b"HTTP/1.1 102 Processing\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n" + INTERIM],
    ids=["103", "103 three times", "102", "100 then 103"],
)
def test_client__interim_responses__are_passed_over(server: ScriptedServer, interim: bytes) -> None:
    server.on(TOKEN_CALL, interim + token())
    server.on(REPORT_CALL, interim + as_json({"id": REPORT_ID}))
    server.on(DOWNLOAD_CALL, interim + reply(b"{}"))
    with server.client() as client:
        assert client.report(REPORT_ID).id == REPORT_ID
        assert client.download(REPORT_ID, STORED_ID, io.BytesIO()).size == 2
    assert server.calls() == [TOKEN_CALL, REPORT_CALL, DOWNLOAD_CALL]


def test_client__interim_response_through_a_proxy__is_passed_over(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{server.port}")
    api = "http://example.invalid/api/2"
    server.on(f"POST {api}/idp/token", INTERIM + token())
    server.on(f"GET {api}/clients/{CLIENT_ID}", INTERIM + TENANT)
    with AcronisClient(api, CLIENT_ID, SecretStr(SECRET), retry_policy=QUICK) as client:
        assert client.own_tenant_id() == TENANT_ID


@pytest.mark.parametrize("code", [200, 203])
def test_download__status_of_a_whole_file__is_taken(server: ScriptedServer, code: int) -> None:
    server.on(DOWNLOAD_CALL, reply(b"{}", code=code))
    file = io.BytesIO()
    with server.client() as client:
        client.download(REPORT_ID, STORED_ID, file)
    assert file.getvalue() == b"{}"


@pytest.mark.parametrize("code", [201, 202, 204, 205, 206, 226])
def test_download__status_of_something_else__is_refused(server: ScriptedServer, code: int) -> None:
    server.on(DOWNLOAD_CALL, reply(b"" if code in {204, 205} else b"{}", code=code))
    with server.client() as client, pytest.raises(ApiError, match=f"answered {code}"):
        client.download(REPORT_ID, STORED_ID, io.BytesIO())


UNREADABLE: list[Any] = [
    *("soon", "", "9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00+05:00", "99999-01-01"),
    *(-1, 10**400, 1.5, True, [], {}, ["x"], {"a": {"b": [1]}}, "\x00", "x" * 10_000),
]


@pytest.mark.parametrize("value", UNREADABLE, ids=lambda value: repr(value)[:30])
def test_client__informational_fields_of_any_value__are_no_obstacle(
    server: ScriptedServer, value: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Every field that is not needed, of every answer."""
    server.on(TOKEN_CALL, token(expires_in=value, expires_on=value, token_type=value, scope=value))
    server.on(TENANT_CALL, as_json({"tenant_id": TENANT_ID, "type": value, "created_at": value}))
    report = {"generation_date": value, "schedule": value, "result_action": value, "parameters": None}
    server.on(REPORT_CALL, as_json({"id": REPORT_ID, "version": value, "result": value, **report}))
    server.on(TENANT_REPORTS_CALL, as_json({"items": [value, REPORT_ID, None], "paging": value}))
    wanted = {"id": STORED_ID, "report_format": "json_v2_0", "status": "saved"}
    items = [
        {**wanted, "size": value, "created_at": value, "links": value},
        {"id": value, "report_format": value, "status": value},
        {"id": value, "report_format": "xlsx (for people)", "status": "saved"},
        value,
    ]
    server.on(STORED_CALL, as_json({"items": items, "links": value}))
    with server.client() as client:
        assert client.own_tenant_id() == TENANT_ID
        assert client.report(REPORT_ID).id == REPORT_ID
        assert client.tenant_reports(TENANT_ID) == [REPORT_ID]
        stored = client.stored_reports(REPORT_ID)
        client.stored_reports(REPORT_ID)
    (found,) = [each for each in stored if each.report_format == "json_v2_0"]
    assert (found.id, found.status) == (STORED_ID, StoredReportStatus.SAVED)
    assert found.model_dump_json()
    warnings = [each.getMessage() for each in caplog.records]
    assert "GET /reports/20dffb36…: parameters is not as documented, and ignored" in warnings
    assert len(warnings) == len(set(warnings)), "each is warned about once"


def test_stored_reports__saved_file_has_no_usable_id__is_not_ready(
    server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.on(
        STORED_CALL, as_json({"items": [{"id": "../x", "report_format": "csv_v2_0", "status": "saved"}]})
    )
    with server.client() as client:
        (item,) = client.stored_reports(REPORT_ID)
    assert (item.id, item.status) == (None, StoredReportStatus.UNKNOWN)
    assert "id is not as documented, and ignored" in caplog.text
