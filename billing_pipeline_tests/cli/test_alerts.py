"""Alerts: a failed month reaches the webhook without secrets; a webhook that fails costs nothing else."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import dagster as dg
import pytest
from pydantic import SecretStr

from billing_pipeline.orchestration.alerts import send_alert
from billing_pipeline.orchestration.code_location import build_defs
from billing_pipeline_tests.faults.sandbox import FaultySandbox
from billing_pipeline_tests.harness.command_line import CliHarness, errors
from billing_pipeline_tests.harness.injections import INJECTIONS


class Webhook(ThreadingHTTPServer):
    """Keeps the text of each message, and answers with `status`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.texts: list[str] = []
        self.status = 200

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/services/T0KEN-of-the-hook"


class _Handler(BaseHTTPRequestHandler):
    server: Webhook

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert list(body) == ["text"]
        self.server.texts.append(body["text"])
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with Webhook() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_run__month_is_refused__one_alert_with_its_message(
    cli: CliHarness, sandbox: FaultySandbox, webhook: Webhook
) -> None:
    sandbox.set_faults({"use": "json_nan", "first_reports": 1})

    done = cli.command(
        "run", "--from", "2026-08", "--to", "2026-09", settings={"BILLING_ALERT_WEBHOOK": webhook.url}
    )

    (failure,) = errors(done.stderr)
    assert webhook.texts == ["billing_pipeline:\n" + failure.removeprefix("billing-pipeline run: ")]
    assert "T0KEN" not in done.stdout + done.stderr


@pytest.mark.parametrize("failing", ["refuses", "away"])
def test_run__webhook_fails__warning_without_its_url(cli: CliHarness, webhook: Webhook, failing: str) -> None:
    webhook.status = 500
    url = webhook.url if failing == "refuses" else "http://127.0.0.1:9/services/T0KEN-of-the-hook"

    done = cli.command(
        "run",
        "--period",
        "2026-09",
        settings={"BILLING_ALERT_WEBHOOK": url, "ACRONIS_CLIENT_SECRET": "wrong"},
    )

    assert done.returncode == 1
    refused, sent = (
        "the alert was refused with HTTP status 500",
        "the alert could not be sent: ConnectionError",
    )
    assert (refused if failing == "refuses" else sent) in done.stderr
    assert "T0KEN" not in done.stdout + done.stderr


def test_run__every_month_loaded__no_alert(cli: CliHarness, webhook: Webhook) -> None:
    done = cli.command("run", "--period", "2026-09", settings={"BILLING_ALERT_WEBHOOK": webhook.url})

    assert done.returncode == 0, done.stderr
    assert webhook.texts == []


def test_send_alert__markup_and_lines_in_a_name__are_escaped(webhook: Webhook) -> None:
    send_alert(SecretStr(webhook.url), ["tenant <!channel> & \x1b[2J\nbilling-pipeline run: all loaded"])

    (text,) = webhook.texts
    assert text == "billing_pipeline:\ntenant &lt;!channel&gt; &amp; [2J billing-pipeline run: all loaded"


def test_sensor__failed_run_of_the_page__alerts_and_that_of_the_command_does_not(
    cli: CliHarness, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"BILLING_ALERT_WEBHOOK": webhook.url, "ACRONIS_CLIENT_SECRET": "wrong"}
    for name, value in cli.with_settings(settings).items():
        monkeypatch.setenv(name, value)
    defs = build_defs()
    sensor = defs.resolve_sensor_def("alert_on_failure")
    assert isinstance(sensor, dg.RunStatusSensorDefinition)
    with dg.DagsterInstance.ephemeral() as instance:
        job = defs.resolve_job_def("monthly_usage")
        for tags in ({}, {"billing/started_by": "command"}):
            result = job.execute_in_process(
                instance=instance, partition_key="2026-09", tags=tags, raise_on_error=False
            )
            (event,) = (each for each in result.all_events if each.event_type_value == "PIPELINE_FAILURE")
            context = dg.build_run_status_sensor_context(
                sensor_name="alert_on_failure",
                dagster_instance=instance,
                dagster_run=result.dagster_run,
                dagster_event=event,
            )
            sensor(context.for_run_failure())

    (text,) = webhook.texts
    assert "2026-09" in text
    assert "ACRONIS_CLIENT_SECRET" in text


@pytest.mark.parametrize("url", ["http://hooks.example/x", "hooks.example", "https:///x"])
def test_settings__webhook_is_no_safe_url__is_refused_without_its_value(cli: CliHarness, url: str) -> None:
    done = cli.command("status", settings={"BILLING_ALERT_WEBHOOK": url})

    assert done.returncode == 1
    assert "BILLING_ALERT_WEBHOOK" in done.stderr
    assert "hooks.example/x" not in done.stderr


@pytest.mark.parametrize("name", list(INJECTIONS.values()), ids=list(INJECTIONS))
def test_alert__hostile_name__one_line_without_markup(webhook: Webhook, name: str) -> None:
    send_alert(SecretStr(webhook.url), [f"the tenant {name} is wrong", "the next message"])

    (text,) = webhook.texts
    first, message, last = text.split("\n")
    assert (first, last) == ("billing_pipeline:", "the next message")
    assert message.isprintable()
    # In Slack <!channel> is a mention and <URL|text> a link.
    assert not {"<", ">"} & set(message)
