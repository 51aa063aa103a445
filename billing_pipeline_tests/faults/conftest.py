"""A sandbox in which things go wrong, with a caller of its API and with the steps of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from billing_pipeline_tests.faults.sandbox import FaultySandbox
from billing_pipeline_tests.harness.api_caller import NOW, Caller
from billing_pipeline_tests.harness.faults import FaultHarness

Opener = Callable[..., Caller[FaultySandbox]]


@pytest.fixture(scope="module")
def shared_caller() -> Iterator[Caller[FaultySandbox]]:
    """A logged-in caller of a sandbox whose reports are ready at once."""
    with FaultySandbox(ready_after_seconds=0, now=lambda: NOW, tenants=24) as sandbox:
        yield Caller(sandbox).log_in()


@pytest.fixture
def caller(shared_caller: Caller[FaultySandbox]) -> Iterator[Caller[FaultySandbox]]:
    """The shared caller, without any faults before and after."""
    shared_caller.sandbox.set_faults()
    yield shared_caller
    shared_caller.sandbox.set_faults()
    shared_caller.log_in()


@pytest.fixture
def open_sandbox() -> Iterator[Opener]:
    """Opens sandboxes of any configuration, and closes them."""
    opened: list[FaultySandbox] = []
    defaults: dict[str, Any] = {"ready_after_seconds": 0, "now": lambda: NOW, "tenants": 3}

    def open_one(**arguments: Any) -> Caller[FaultySandbox]:
        sandbox = FaultySandbox(**defaults | arguments)
        opened.append(sandbox.start())
        return Caller(sandbox).log_in()

    yield open_one
    for sandbox in opened:
        sandbox.stop()


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[FaultHarness]:
    """A small sandbox whose reports are in progress at the first poll and saved at the second."""
    with FaultySandbox(tenants=1, ready_after_seconds=0, in_progress_polls=1) as sandbox:
        yield FaultHarness(sandbox, tmp_path / "data")
