"""POST /reports: the one call that is not idempotent."""

from __future__ import annotations

import json

import pytest

from billing_pipeline.acronis import ApiUnavailableError, HistoryNotReadyError
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.reports import ReportParameters
from billing_pipeline_tests.harness.scripted_server import (
    REPORT_ID,
    TENANT_ID,
    ScriptedServer,
    as_json,
    reply,
    status,
)

PARAMETERS = ReportParameters(TENANT_ID, BillingPeriod(2026, 9), "usage_summary", "direct_partners")


def test_create_report__parameters__are_sent_as_documented(server: ScriptedServer) -> None:
    server.on("POST /api/2/reports", as_json({"id": REPORT_ID, "version": 1, "parameters": {}}, code=201))
    with server.client() as client:
        assert client.create_report(PARAMETERS).id == REPORT_ID
    sent = server.requests[-1]
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
def test_create_report__response_lost__is_not_retried(server: ScriptedServer, answer: bytes) -> None:
    server.on("POST /api/2/reports", answer)
    with server.client() as client, pytest.raises(ApiUnavailableError) as error:
        client.create_report(PARAMETERS)
    assert error.value.outcome_unknown
    assert server.calls().count("POST /api/2/reports") == 1


def test_create_report__clearly_refused__is_retried(server: ScriptedServer) -> None:
    server.on("POST /api/2/reports", status(429), as_json({"id": REPORT_ID}))
    with server.client() as client:
        assert client.create_report(PARAMETERS).id == REPORT_ID


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (400, "Usage history is not ready and shouldn't be ready yet (from 1 to 6 am)"),
        (500, "Usage history is not ready but should be available already (after 6 am)"),
    ],
)
def test_create_report__history_not_ready__own_error(server: ScriptedServer, code: int, message: str) -> None:
    server.on("POST /api/2/reports", status(code, message=message))
    with server.client() as client, pytest.raises(HistoryNotReadyError, match="history is not ready"):
        client.create_report(PARAMETERS)
