"""The requests that the sandbox received: the evidence for how many requests a client makes, and which."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from typing import Any

from billing_pipeline.sandbox.messages import Request

_LENGTH = 100_000


class Journal:
    """The latest hundred thousand API requests, oldest first."""

    def __init__(self) -> None:
        """Start with no requests."""
        self._entries: deque[dict[str, Any]] = deque(maxlen=_LENGTH)
        self._lock = threading.Lock()

    def note(self, request: Request, route: str, report_id: str | None) -> dict[str, Any]:
        """Add a request; the caller fills in `status` and `ended` when there is an answer."""
        entry = {
            "method": request.method,
            "path": request.path,
            "route": route,
            "time": time.time(),
            "ended": None,
            "report_id": report_id,
            "host": request.headers.get("host"),
            "authorized": "authorization" in request.headers,
            "status": None,
        }
        with self._lock:
            self._entries.append(entry)
        return entry

    def clear(self) -> None:
        """Forget all requests."""
        with self._lock:
            self._entries.clear()

    @property
    def entries(self) -> list[dict[str, Any]]:
        """Each request: method, path, route, report_id, host, authorized, status, and two times.

        `time` is when it was received, `ended` when its answer had been sent (UNIX seconds; None: not yet).
        """
        with self._lock:
            return [dict(entry) for entry in self._entries]

    @property
    def counts(self) -> Counter[str]:
        """Number of requests by method and route, such as `POST create_report`."""
        return Counter(f"{entry['method']} {entry['route']}" for entry in self.entries)
