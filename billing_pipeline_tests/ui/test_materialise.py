"""What a person does in the UI, done by a browser: open the asset graph, materialise a month, look at it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
import requests
from playwright.sync_api import Page, expect

from billing_pipeline_tests.harness.command_line import CliHarness
from billing_pipeline_tests.harness.recording_sandbox import RecordingSandbox
from billing_pipeline_tests.ui.conftest import RunningUi, start_ui

pytestmark = pytest.mark.browser

PERIOD = "2026-09"
RUN_TIMEOUT_MS = 120_000


def test_ui__month_materialised__loaded_and_shown_after_restart(
    page: Page, ui: RunningUi, cli: CliHarness, sandbox: RecordingSandbox, tmp_path: Path
) -> None:
    hosts: set[str] = set()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))

    page.goto(f"{ui.url}/asset-groups")
    page.get_by_role("button", name="Materialize all").click()
    partitions = page.get_by_placeholder("ex: 2024-01")
    partitions.fill(PERIOD)
    partitions.press("Enter")
    with page.expect_response(lambda answer: "launchPipelineExecution" in (answer.request.post_data or "")):
        page.get_by_role("button", name="Launch 1 run").click()
    page.goto(f"{ui.url}/runs")
    expect(page.get_by_text("Success", exact=True).first).to_be_visible(timeout=RUN_TIMEOUT_MS)

    page.goto(f"{ui.url}/assets/usage?view=partitions&partition={PERIOD}")
    expect(page.get_by_text("Materialized", exact=True).first).to_be_visible(timeout=RUN_TIMEOUT_MS)
    rows = cli.query("SELECT count(*) AS row_count, any_value(report_id) AS report_id FROM usage")[0]
    expect(page.get_by_text(rows["report_id"]).first).to_be_visible()
    expect(page.get_by_text("dagster/partition_row_count")).to_be_visible()
    expect(page.get_by_text(str(rows["row_count"]), exact=True).first).to_be_visible()
    assert requests.get(f"{ui.url}/graphql", {"query": "{ version }"}, timeout=30).status_code == 405
    assert sandbox.reports_created == 1
    assert _listening_addresses(ui) <= {"127.0.0.1", "::1"}
    # data: and blob: URLs have no host.
    assert hosts - {""} == {urlsplit(ui.url).netloc}, "the UI must phone nobody"

    ui.stop()
    restarted = start_ui(cli, tmp_path / "restarted.log")
    try:
        page.goto(f"{restarted.url}/assets/usage?view=partitions&partition={PERIOD}")
        expect(page.get_by_text("Materialized", exact=True).first).to_be_visible(timeout=RUN_TIMEOUT_MS)
        page.goto(f"{restarted.url}/locations")
        expect(page.get_by_text("Loaded", exact=True)).to_be_visible(timeout=RUN_TIMEOUT_MS)
    finally:
        restarted.stop()


def _listening_addresses(ui: RunningUi) -> set[str]:
    started = psutil.Process(ui.process.pid)
    return {
        connection.laddr.ip
        for process in [started, *started.children(recursive=True)]
        for connection in process.net_connections(kind="tcp")
        if connection.status == psutil.CONN_LISTEN
    }
