"""A server of given bytes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from billing_pipeline_tests.acronis.wire import Wire, serving


@pytest.fixture
def wire() -> Iterator[Wire]:
    """A server on loopback that already gives out a token."""
    with serving() as running:
        yield running
