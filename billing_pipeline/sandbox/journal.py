"""What the sandbox has been asked: the evidence for how many requests a client makes, and which."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
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
        """Note a request that came in; its `status` is filled in by the caller when there is an answer."""
        entry = {
            "method": request.method,
            "path": request.path,
            "route": route,
            "time": time.time(),
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
        """method, path, route, time (UNIX seconds), host, authorized, status and fault of each request."""
        with self._lock:
            return [dict(entry) for entry in self._entries]

    @property
    def counts(self) -> Counter[str]:
        """Number of requests by method and route, such as `POST create_report`."""
        with self._lock:
            return self._counts.copy()
