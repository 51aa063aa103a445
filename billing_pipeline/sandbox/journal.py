"""What the sandbox has been asked: the evidence for how many requests a client makes, and which."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Iterable
from typing import Any

from billing_pipeline.sandbox.messages import Request

_LENGTH = 100_000


class Journal:
    """The API requests, oldest first; the oldest are forgotten after a hundred thousand."""

    def __init__(self) -> None:
        self._entries: deque[dict[str, Any]] = deque(maxlen=_LENGTH)
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def note(self, request: Request, route: str) -> dict[str, Any]:
        """Note a request that came in; the caller fills in `status` and `ended` when there is an answer."""
        entry = {
            "method": request.method,
            "path": request.path,
            "route": route,
            "time": time.time(),
            "ended": None,
            "report_id": None,
            "host": request.headers.get("host"),
            "authorized": "authorization" in request.headers,
            "status": None,
            "fault": None,
        }
        with self._lock:
            self._entries.append(entry)
            self._counts[f"{request.method} {route}"] += 1
        return entry

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()
            self._counts.clear()

    @property
    def entries(self) -> list[dict[str, Any]]:
        """Each request: method, path, route, when it came and when its answer had been sent (UNIX seconds;
        None: not yet), the report it was about, host, authorized, status and fault."""
        with self._lock:
            return [dict(entry) for entry in self._entries]

    @property
    def counts(self) -> Counter[str]:
        """Number of requests by method and route, such as `POST create_report`."""
        with self._lock:
            return self._counts.copy()

    @property
    def most_at_once(self) -> dict[str, int]:
        """The most `open_reports` and `downloads` that there were at one time.

        A report counts as open from the order (or the first request about it) to the end of the last
        request about it; a download from its request to the end of its answer.
        """
        entries = self.entries
        reports: dict[str, list[dict[str, Any]]] = {}
        for entry in entries:
            if entry["report_id"] is not None:
                reports.setdefault(entry["report_id"], []).append(entry)
        now = time.time()
        return {
            "open_reports": _most(
                (about[0]["time"], max(entry["ended"] or now for entry in about))
                for about in reports.values()
            ),
            "downloads": _most(
                (entry["time"], entry["ended"] or now) for entry in entries if entry["route"] == "download"
            ),
        }


def _most(spans: Iterable[tuple[float, float]]) -> int:
    """How many of these spans of time overlap at most."""
    changes = sorted(change for began, ended in spans for change in ((began, 1), (ended, -1)))
    most = current = 0
    for _, change in changes:
        current += change
        most = max(most, current)
    return most
