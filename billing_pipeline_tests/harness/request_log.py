"""A client's concurrency, from the requests that a sandbox received."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any


def most_at_once(requests: list[dict[str, Any]]) -> dict[str, int]:
    """The largest number of `open_reports` and `downloads` at one time.

    A report counts as open from its creation (or the first request about it) to the end of the last request
    about it; a download from its request to the end of its answer.

    Args:
        requests: those of `RecordingSandbox.requests`.
    """
    reports: dict[str, list[dict[str, Any]]] = {}
    for request in requests:
        if request["report_id"] is not None:
            reports.setdefault(request["report_id"], []).append(request)
    now = time.time()
    return {
        "open_reports": _most(
            (about[0]["time"], max(request["ended"] or now for request in about))
            for about in reports.values()
        ),
        "downloads": _most(
            (request["time"], request["ended"] or now)
            for request in requests
            if request["route"] == "download"
        ),
    }


def _most(spans: Iterable[tuple[float, float]]) -> int:
    """The largest number of spans of time that overlap."""
    changes = sorted(change for began, ended in spans for change in ((began, 1), (ended, -1)))
    most = current = 0
    for _, change in changes:
        current += change
        most = max(most, current)
    return most
