"""What stands in the way of one report, and how the month is loaded all the same: through `run`."""

from __future__ import annotations

import pytest

from billing_pipeline_tests.faults.sandbox import FaultySandbox
from billing_pipeline_tests.harness.command_line import CliHarness

pytestmark = pytest.mark.slow

PERIOD = "2026-09"


@pytest.mark.parametrize("status", [403, 404, 500])
def test_run__tenant_set_and_client_record_unreadable__loads(
    cli: CliHarness, sandbox: FaultySandbox, status: int
) -> None:
    sandbox.set_faults({"route": "client", "fault": {"type": "answer", "status": status}})

    done = cli.command("run", "--period", PERIOD, settings={"ACRONIS_TENANT_ID": sandbox.tenant_id})

    assert done.returncode == 0, done.stderr
