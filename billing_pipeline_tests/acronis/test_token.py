"""Credentials and tokens: when one is asked for, carried, renewed and given up."""

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
from billing_pipeline_tests.acronis.wire import (
    CLIENT_ID,
    QUICK,
    REPORT_ID,
    SECRET,
    TENANT,
    TENANT_CALL,
    TENANT_ID,
    TOKEN_CALL,
    Wire,
    as_json,
    status,
    token,
)


def test_token__request__basic_auth_and_form_then_bearer(wire: Wire) -> None:
    wire.on(TENANT_CALL, TENANT)
    with wire.client() as client:
        assert client.own_tenant_id() == TENANT_ID
        assert client.own_tenant_id() == TENANT_ID
    asked, *calls = wire.requests
    assert asked.headers["authorization"] == "Basic " + b64encode(f"{CLIENT_ID}:{SECRET}".encode()).decode()
    assert parse_qs(asked.body.decode()) == {"grant_type": ["client_credentials"]}
    assert [each.headers["authorization"] for each in calls] == ["Bearer token-one-0123456789"] * 2


def test_token__close_to_expiry__is_renewed(wire: Wire) -> None:
    wire.on(TOKEN_CALL, token("token-one-0123456789", expires_in=0.001), token("token-two-0123456789"))
    wire.on(TENANT_CALL, TENANT)
    with wire.client() as client:
        for _ in range(3):
            client.own_tenant_id()
    assert wire.calls() == [TOKEN_CALL, TENANT_CALL, TOKEN_CALL, TENANT_CALL, TENANT_CALL] or (
        wire.calls() == [TOKEN_CALL, TOKEN_CALL, TENANT_CALL, TENANT_CALL, TENANT_CALL]
    )


@pytest.mark.parametrize("expires", [{"expires_on": 0}, {"expires_on": 4e12}, {"expires_in": -5}, {}])
def test_token__implausible_expiry__is_cached(wire: Wire, expires: dict[str, Any]) -> None:
    wire.on(TOKEN_CALL, as_json({"access_token": "a-token-0123456789", **expires}))
    wire.on(TENANT_CALL, TENANT)
    with wire.client() as client:
        for _ in range(3):
            client.own_tenant_id()
    assert wire.calls().count(TOKEN_CALL) == 1


def test_token__rejected_once__renewed_and_call_repeated(wire: Wire) -> None:
    wire.on(TOKEN_CALL, token(), token("token-two-0123456789"))
    wire.on(TENANT_CALL, status(401), TENANT)
    with wire.client() as client:
        assert client.own_tenant_id() == TENANT_ID
    assert wire.calls() == [TOKEN_CALL, TENANT_CALL, TOKEN_CALL, TENANT_CALL]
    assert wire.requests[-1].headers["authorization"] == "Bearer token-two-0123456789"


def test_token__rejected_twice__credentials_error(wire: Wire) -> None:
    wire.on(TENANT_CALL, status(401, message="Token is invalid"))
    with wire.client() as client, pytest.raises(CredentialsError, match="Token is invalid") as error:
        client.own_tenant_id()
    assert wire.calls().count(TENANT_CALL) == 2
    assert (error.value.status, error.value.code) == (401, "E1")
    assert "ACRONIS_CLIENT_SECRET" in error.value.todo


def test_token__threads_rejected_together__renew_once(wire: Wire) -> None:
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
def test_token__wrong_credentials__named_at_once(wire: Wire, code: int, body: dict[str, str]) -> None:
    wire.on(TOKEN_CALL, as_json(body, code=code))
    with wire.client() as client, pytest.raises(CredentialsError, match="invalid_client") as error:
        client.own_tenant_id()
    assert (error.value.code, len(wire.requests)) == ("invalid_client", 1)


def test_own_tenant_id__client_id_no_uuid__raises(wire: Wire) -> None:
    client = AcronisClient(wire.base_url, "../me", SecretStr(SECRET), retry_policy=QUICK)
    with client, pytest.raises(CredentialsError, match="UUID"):
        client.own_tenant_id()
    assert wire.requests == []


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
    wire: Wire, base_url: str | None, secret: str
) -> None:
    with (
        AcronisClient(base_url or wire.base_url, CLIENT_ID, SecretStr(secret)) as client,
        pytest.raises(ApiError, match="HTTP cannot carry") as failed,
    ):
        client.own_tenant_id()

    assert not isinstance(failed.value, ApiUnavailableError), "asking again would not help"
    assert "ACRONIS_CLIENT_SECRET" in str(failed.value)
    assert secret not in str(failed.value)
    assert not wire.requests
