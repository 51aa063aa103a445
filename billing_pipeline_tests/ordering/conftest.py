"""The harness of the ordering tests as a fixture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from billing_pipeline.reports import ReportParameters
from billing_pipeline_tests.harness.ordering import PERIOD, OrderingHarness, client_of
from billing_pipeline_tests.harness.recording_sandbox import RecordingSandbox


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[OrderingHarness]:
    """A sandbox whose reports are listed as in progress once, then saved."""
    with (
        RecordingSandbox(tenants=2, ready_after_seconds=0, in_progress_polls=1) as sandbox,
        client_of(sandbox) as client,
    ):
        parameters = ReportParameters(sandbox.tenant_id, PERIOD, "usage_summary", "direct_partners")
        yield OrderingHarness(sandbox, client, tmp_path / "data", parameters)
