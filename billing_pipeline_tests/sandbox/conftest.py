"""A running sandbox and a caller of its API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from billing_pipeline_tests.harness.api_caller import NOW, Caller
from billing_pipeline_tests.harness.recording_sandbox import RecordingSandbox

Opener = Callable[..., Caller[RecordingSandbox]]


@pytest.fixture(scope="module")
def shared_caller() -> Iterator[Caller[RecordingSandbox]]:
    """A logged-in caller of a sandbox whose reports are ready at once."""
    with RecordingSandbox(ready_after_seconds=0, now=lambda: NOW, tenants=24) as sandbox:
        yield Caller(sandbox).log_in()


@pytest.fixture
def open_sandbox() -> Iterator[Opener]:
    """Opens sandboxes of any configuration, and closes them."""
    opened: list[RecordingSandbox] = []
    defaults: dict[str, Any] = {"ready_after_seconds": 0, "now": lambda: NOW, "tenants": 3}

    def open_one(**arguments: Any) -> Caller[RecordingSandbox]:
        sandbox = RecordingSandbox(**defaults | arguments)
        opened.append(sandbox.start())
        return Caller(sandbox).log_in()

    yield open_one
    for sandbox in opened:
        sandbox.stop()
