"""Ctrl-C and SIGTERM end a waiting run, and the next run continues with the same report."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time

import pytest

from billing_pipeline.errors import DownloadError
from billing_pipeline.ordering import WaitStoppedError, await_stored_reports, download_report
from billing_pipeline.ordering.state import load_requests
from billing_pipeline_tests.faults.sandbox import FaultySandbox
from billing_pipeline_tests.harness.command_line import CliHarness
from billing_pipeline_tests.harness.faults import PERIOD, FaultHarness, is_whole

pytestmark = pytest.mark.kill


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_run__signal_while_waiting__ends_and_can_continue(
    cli: CliHarness, sandbox: FaultySandbox, number: signal.Signals
) -> None:
    sandbox.set_faults("stored_in_progress_always")
    process = subprocess.Popen(
        [sys.executable, "-m", "billing_pipeline", "run", "--period", "2026-09"],
        env={**cli.environment, "ACRONIS_POLL_INTERVAL_SECONDS": "60"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        while not any(each["route"] == "stored_reports" for each in sandbox.requests):
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        process.send_signal(number)
        _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "interrupted; run it again to go on" in stderr
    assert "Traceback" not in stderr
    state = load_requests(cli.data_dir, PERIOD).latest
    assert state is not None
    assert state.is_open

    sandbox.set_faults()
    again = cli.command("run", "--period", "2026-09")
    assert again.returncode == 0, again.stderr
    assert sandbox.reports_created == 1
    (row,) = cli.query("SELECT DISTINCT report_id FROM usage")
    assert row["report_id"] == state.report_id


def test_stop__long_wait__ends_at_once(harness: FaultHarness) -> None:
    harness.sandbox.set_faults("stored_in_progress_always")
    with pytest.raises(Exception, match="not ready"):
        harness.run(timeout=0)
    stop = threading.Event()

    def stop_when_waiting(_: object) -> None:
        threading.Timer(0.05, stop.set).start()

    harness.client_options = {"stop": stop}
    with harness.client() as client, pytest.raises(WaitStoppedError, match="same report"):
        await_stored_reports(
            client,
            harness.data_dir,
            PERIOD,
            first_wait=3600,
            timeout=7200,
            progress=stop_when_waiting,
        )
    harness.client_options = {}
    assert is_whole(harness.run_without_faults())
    assert harness.sandbox.reports_created == 1


def test_stop__download__ends_at_once(harness: FaultHarness) -> None:
    too_many = {"type": "answer", "status": 429}
    harness.sandbox.set_faults({"use": "download_503_always", "fault": too_many})
    with pytest.raises(Exception, match="429"):
        harness.run()
    drip = {"type": "delivery", "how": "drip", "seconds": 0.05}
    harness.sandbox.set_faults({"use": "download_drips", "fault": drip})
    stop = threading.Event()
    harness.client_options = {"stop": stop, "read_timeout": 30}
    threading.Timer(0.3, stop.set).start()
    with harness.client() as client, pytest.raises(DownloadError, match="stopped"):
        download_report(client, harness.data_dir, PERIOD)
    harness.client_options = {}
    assert harness.state.latest is not None
    assert harness.state.latest.reports[-1].failed_downloads == 0
    assert is_whole(harness.run_without_faults())
    assert harness.sandbox.reports_created == 1


def test_download__dripping_bytes__deadline_still_holds(harness: FaultHarness) -> None:
    drip = {"type": "delivery", "how": "drip", "seconds": 0.1}
    harness.sandbox.set_faults({"use": "download_drips", "times": None, "fault": drip})
    harness.client_options = {"read_timeout": 30}
    with pytest.raises(DownloadError, match="longer than 2 s"):
        harness.run(timeout=30)
    assert harness.calls("download") == 3
