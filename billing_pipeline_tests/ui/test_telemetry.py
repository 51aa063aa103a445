"""Dagster's telemetry is off in our processes, even if the home is not ours and leaves it on."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from billing_pipeline_tests.harness.command_line import CliHarness
from billing_pipeline_tests.landing.folders import names
from billing_pipeline_tests.ui.conftest import start_ui

pytestmark = pytest.mark.slow


def test_ui_and_run__home_with_telemetry_on__send_and_collect_nothing(
    cli: CliHarness, tmp_path: Path
) -> None:
    received: list[str] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(self.path)
            self.send_response(200)
            self.end_headers()

    home = tmp_path / "home"
    (home / "logs").mkdir(parents=True)
    (home / "dagster.yaml").write_text("telemetry: {enabled: true}\n")
    with HTTPServer(("127.0.0.1", 0), Collector) as collector:
        threading.Thread(target=collector.serve_forever, daemon=True).start()
        cli.environment |= {
            "DAGSTER_HOME": str(home),
            "DAGSTER_TELEMETRY_URL": f"http://127.0.0.1:{collector.server_port}/actions",
            "HOME": str(tmp_path),
        }
        assert cli.command("run", "--period", "2026-09").returncode == 0
        assert names(home / "logs") == []
        # What another program has collected in this home is not for us to send.
        (home / "logs" / "event.log").write_text('{"action": "another program\'s"}\n')
        start_ui(cli, tmp_path / "ui.log").stop()
        collector.shutdown()

    assert received == []
