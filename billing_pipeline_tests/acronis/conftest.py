"""A server of given bytes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from billing_pipeline_tests.harness.scripted_server import ScriptedServer, serving


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """A server on loopback that already gives out a token."""
    with serving() as running:
        yield running
