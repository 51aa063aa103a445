"""Ctrl-C and SIGTERM end a command with one line: in a query, in a finalizer, on another thread."""

from __future__ import annotations

import os
import signal
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import billing_pipeline.loading.load as loading
from billing_pipeline.warehouse import WarehouseFile
from billing_pipeline_tests.faults.sandbox import FaultySandbox
from billing_pipeline_tests.harness.command_line import CliHarness, errors, log_lines
from billing_pipeline_tests.harness.processes import run_command
from billing_pipeline_tests.warehouse.reports import load, row

pytestmark = pytest.mark.kill

SIGNALS = [signal.SIGINT, signal.SIGTERM]


def signal_soon(number: int) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), number))
    signal.setitimer(signal.ITIMER_REAL, 0.5)


@pytest.mark.parametrize("number", SIGNALS)
def test_sql__signal_in_a_query__one_line(cli: CliHarness, number: int) -> None:
    load(WarehouseFile(cli.data_dir), [row(absolute_production=1)])
    endless = "SELECT count(*) FROM range(1_000_000_000_000) AS numbers (n) WHERE n % 7 = 3"

    done = run_command(["sql", endless], cli.environment, prepare=partial(signal_soon, number))

    assert done.returncode == 130
    assert log_lines(done.stderr) == [("ERROR", "billing-pipeline sql: interrupted; run it again to go on")]


def lose_a_signal(number: int) -> None:
    """While a month is loaded a signal arrives, in a finalizer, whose exceptions Python drops."""
    signal.signal(signal.SIGINT, signal.default_int_handler)

    class Finalized:
        def __del__(self) -> None:
            os.kill(os.getpid(), number)

    replace = loading._replace

    def interrupted(*arguments: Any, **options: Any) -> Any:
        Finalized()
        return replace(*arguments, **options)

    loading._replace = interrupted


@pytest.mark.parametrize("number", SIGNALS)
def test_run__signal_lost_while_loading__ends_after_that_month(
    cli: CliHarness, sandbox: FaultySandbox, number: int
) -> None:
    months = ("run", "--from", "2026-07", "--to", "2026-09")

    done = run_command(months, cli.environment, prepare=partial(lose_a_signal, number))

    assert done.returncode == 130
    assert errors(done.stderr) == ["billing-pipeline run: interrupted; run it again to go on"]
    assert len(done.stdout.splitlines()) == 1
    assert cli.query("SELECT count(DISTINCT billing_period) AS months FROM usage") == [{"months": 1}]


def signal_another_thread(number: int, data_dir: Path) -> None:
    """While the main thread waits for a report, another thread receives a signal."""
    signal.signal(signal.SIGINT, signal.default_int_handler)

    def send() -> None:
        while not any("report_id" in path.read_text() for path in data_dir.glob("requests/*.json")):
            time.sleep(0.05)
        time.sleep(1)  # the poll that follows
        os.kill(os.getpid(), number)

    threading.Thread(target=send, daemon=True).start()
    # Of the main thread, and of all threads that it starts from now on.
    signal.pthread_sigmask(signal.SIG_BLOCK, {number})


@pytest.mark.parametrize("number", SIGNALS)
def test_run__other_thread_receives_the_signal__ends_while_waiting(
    cli: CliHarness, sandbox: FaultySandbox, number: int
) -> None:
    sandbox.set_faults("stored_in_progress_always")
    settings = cli.with_settings({"ACRONIS_POLL_INTERVAL_SECONDS": "60"})
    prepare = partial(signal_another_thread, number, cli.data_dir)

    done = run_command(("run", "--period", "2026-09"), settings, timeout=30, prepare=prepare)

    assert done.returncode == 130
    assert errors(done.stderr) == ["billing-pipeline run: interrupted; run it again to go on"]
