"""Credentials and tokens: requested, sent, renewed, discarded."""

from __future__ import annotations

import threading
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs

import pytest
from pydantic import SecretStr

from billing_pipeline.acronis import AcronisClient, ApiUnavailableError
from billing_pipeline.errors import ApiError, CredentialsError
from billing_pipeline_tests.harness.scripted_server import (
    CLIENT_ID,
    QUICK,
    REPORT_ID,
    SECRET,
    TENANT,
    TENANT_CALL,
    TENANT_ID,
    TOKEN_CALL,
    ScriptedServer,
    as_json,
    status,
    token,
)


def test_token__request__basic_auth_and_form_then_bearer(server: ScriptedServer) -> None:
    server.on(TENANT_CALL, TENANT)
    with server.client() as client:
        assert client.own_tenant_id() == TENANT_ID
        assert client.own_tenant_id() == TENANT_ID
    asked, *calls = server.requests
    assert asked.headers["authorization"] == "Basic " + b64encode(f"{CLIENT_ID}:{SECRET}".encode()).decode()
    assert parse_qs(asked.body.decode()) == {"grant_type": ["client_credentials"]}
    assert [each.headers["authorization"] for each in calls] == ["Bearer token-one-0123456789"] * 2


def test_token__close_to_expiry__is_renewed(server: ScriptedServer) -> None:
    server.on(TOKEN_CALL, token("token-one-0123456789", expires_in=0.001), token("token-two-0123456789"))
    server.on(TENANT_CALL, TENANT)
    with server.client() as client:
        for _ in range(3):
            client.own_tenant_id()
    assert server.calls() == [TOKEN_CALL, TENANT_CALL, TOKEN_CALL, TENANT_CALL, TENANT_CALL] or (
        server.calls() == [TOKEN_CALL, TOKEN_CALL, TENANT_CALL, TENANT_CALL, TENANT_CALL]
    )


EXPIRES = [
    *({}, {"expires_on": 0}, {"expires_on": 4e12}, {"expires_in": -5}, {"expires_in": "two hours"}),
    *({"expires_on": "2026-10-02T07:00:00Z"}, {"expires_on": []}, {"expires_on": 10**400}),
    {"expires_in": None, "expires_on": {"date": 1}},
]


@pytest.mark.parametrize("expires", EXPIRES)
def test_token__implausible_expiry__is_cached(server: ScriptedServer, expires: dict[str, Any]) -> None:
    server.on(TOKEN_CALL, as_json({"access_token": "a-token-0123456789", **expires}))
    server.on(TENANT_CALL, TENANT)
    with server.client() as client:
        for _ in range(3):
            client.own_tenant_id()
    assert server.calls().count(TOKEN_CALL) == 1


def test_token__rejected_once__renewed_and_call_repeated(server: ScriptedServer) -> None:
    server.on(TOKEN_CALL, token(), token("token-two-0123456789"))
    server.on(TENANT_CALL, status(401), TENANT)
    with server.client() as client:
        assert client.own_tenant_id() == TENANT_ID
    assert server.calls() == [TOKEN_CALL, TENANT_CALL, TOKEN_CALL, TENANT_CALL]
    assert server.requests[-1].headers["authorization"] == "Bearer token-two-0123456789"


def test_token__rejected_twice__credentials_error(server: ScriptedServer) -> None:
    server.on(TENANT_CALL, status(401, message="Token is invalid"))
    with server.client() as client, pytest.raises(CredentialsError, match="Token is invalid") as error:
        client.own_tenant_id()
    assert server.calls().count(TENANT_CALL) == 2
    assert error.value.status == 401
    assert "ACRONIS_CLIENT_SECRET" in error.value.todo


def test_token__threads_rejected_together__renew_once(server: ScriptedServer) -> None:
    together = threading.Barrier(6)
    valid = "Bearer token-two-0123456789"
    server.on(TOKEN_CALL, token(), token("token-two-0123456789"))
    answer_to = server.answer_to

    def answer(request: Any) -> Any:
        if request.path.endswith("/stored"):
            if request.headers["authorization"] != valid:
                together.wait(timeout=20)
                return status(401)
            return as_json({"items": []})
        return answer_to(request)

    server.answer_to = answer  # type: ignore[method-assign]
    with server.client(read_timeout=20) as client, ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: client.stored_reports(REPORT_ID), range(6)))
    assert answers == [[]] * 6
    assert server.calls() == [TOKEN_CALL, TOKEN_CALL]


@pytest.mark.parametrize(
    ("code", "body"),
    [
        (401, {"error": "invalid_client", "error_description": "none"}),
        (400, {"error": "invalid_client"}),
    ],
)
def test_token__wrong_credentials__named_at_once(
    server: ScriptedServer, code: int, body: dict[str, str]
) -> None:
    server.on(TOKEN_CALL, as_json(body, code=code))
    with server.client() as client, pytest.raises(CredentialsError, match="invalid_client"):
        client.own_tenant_id()
    assert len(server.requests) == 1


def test_own_tenant_id__client_id_not_a_uuid__raises(server: ScriptedServer) -> None:
    client = AcronisClient(server.base_url, "../me", SecretStr(SECRET), retry_policy=QUICK)
    with client, pytest.raises(CredentialsError, match="UUID"):
        client.own_tenant_id()
    assert server.requests == []


@pytest.mark.parametrize(
    ("base_url", "secret"),
    [
        ("https://eu2..cloud.invalid/api/2", "secret"),
        (f"https://{'a' * 64}.invalid/api/2", "secret"),
        (None, "geheim\u2013x"),
    ],
    ids=["empty label", "long label", "a dash that is none"],
)
def test_client__value_http_cannot_carry__named_at_once(
    server: ScriptedServer, base_url: str | None, secret: str
) -> None:
    with (
        AcronisClient(base_url or server.base_url, CLIENT_ID, SecretStr(secret)) as client,
        pytest.raises(ApiError, match="HTTP cannot carry") as failed,
    ):
        client.own_tenant_id()

    assert not isinstance(failed.value, ApiUnavailableError), "asking again would not help"
    assert "ACRONIS_CLIENT_SECRET" in str(failed.value)
    assert secret not in str(failed.value)
    assert not server.requests
