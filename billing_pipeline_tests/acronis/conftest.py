"""A scripted server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from billing_pipeline_tests.harness.scripted_server import ScriptedServer, serving


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """A scripted server on loopback that issues a token."""
    with serving() as running:
        yield running
