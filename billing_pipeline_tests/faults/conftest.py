"""The harness of the fault tests as a fixture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from billing_pipeline.sandbox import Sandbox
from billing_pipeline_tests.harness.faults import FaultHarness


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[FaultHarness]:
    """A small sandbox whose reports are in progress at the first look and saved at the second."""
    with Sandbox(tenants=1, ready_after_seconds=0, in_progress_looks=1) as sandbox:
        yield FaultHarness(sandbox, tmp_path / "data")
