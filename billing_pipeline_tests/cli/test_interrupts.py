"""Ctrl-C and SIGTERM end a command with one line, even where their exception is lost."""

from __future__ import annotations

import os
import signal
from functools import partial
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
