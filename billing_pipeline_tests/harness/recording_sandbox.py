"""A sandbox that records its requests, and whose reports can be slow by the number of polls."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from billing_pipeline.sandbox import Sandbox
from billing_pipeline.sandbox.api import find_route
from billing_pipeline.sandbox.messages import Answer, Request
from billing_pipeline_tests.harness.hostile_names import HOSTILE_NAMES


class RecordingSandbox(Sandbox):
    """A sandbox with a log of its API requests, which `GET /sandbox/requests` gives too.

    Args:
        empty_polls, in_progress_polls: minimum number of polls of the stored reports that return an empty
            list, then `in_progress`, independent of time.
        client_id: the only known API client.
        now: the server's clock as aware UTC times: decides which periods are in the future, when tokens
            expire and what `created_at` says. Readiness is always measured in real seconds.
        json_layout: layout of json_v2_0, `flat` or `grouped`.
        options: those of `Sandbox`; by default, the tenants' names are hostile.

    Attributes:
        requests: the API requests so far, each with method, path, route, report_id, authorized, status, and
            two times in UNIX seconds: `time`, when it was received, and `ended`, when its answer had been
            sent (None: not yet).
    """

    def __init__(
        self,
        port: int = 0,
        *,
        empty_polls: int = 0,
        in_progress_polls: int = 0,
        client_id: str = Sandbox.client_id,
        now: Callable[[], datetime] | None = None,
        json_layout: str = "flat",
        **options: Any,
    ) -> None:
        self.client_id = client_id
        self.requests: list[dict[str, Any]] = []
        self._empty_polls = empty_polls
        self._in_progress_polls = in_progress_polls
        self._polls: Counter[str] = Counter()
        super().__init__(port, **{"names": HOSTILE_NAMES} | options)
        self._reports.now = now or self._reports.now
        self._reports.json_layout = json_layout

    @property
    def reports_created(self) -> int:
        """Number of reports created since the start, deleted ones included."""
        return len(self._reports.created)

    @contextmanager
    def exchange(self, request: Request) -> Iterator[Answer]:
        """The answer to any request, recorded if it is one of the API."""
        if request.method == "GET" and request.path == "/sandbox/requests":
            yield self._log()
            return
        if request.path == "/sandbox/totals":
            with super().exchange(request) as answer:
                yield answer
            return
        route, ids = find_route(request)
        known = self._reports.get(ids[0]) if ids else None
        entry = {
            "method": request.method,
            "path": request.path,
            "route": route,
            "report_id": known.id if known else None,
            "authorized": "authorization" in request.headers,
            "status": None,
            "time": time.time(),
            "ended": None,
        }
        self.requests.append(entry)
        try:
            yield self.answer(request, route, ids, entry)
        finally:
            entry["ended"] = time.time()

    def answer(self, request: Request, route: str, ids: tuple[str, ...], entry: dict[str, Any]) -> Answer:
        """The answer to an API request.

        Args:
            request: the request.
            route, ids: as `find_route` gives them.
            entry: the request's entry in `requests`, which gets the status and the id of a new report.
        """
        answer = self._api.answer(request, route, ids)
        if route == "stored_reports" and answer.status == 200:
            answer = self._delayed(answer, ids[0])
        entry["status"] = answer.status
        if route == "create_report" and answer.status == 200:
            entry["report_id"] = json.loads(answer.body)["id"]
        return answer

    def _delayed(self, answer: Answer, report_id: str) -> Answer:
        """The stored reports, as they are before the number of polls is reached."""
        self._polls[report_id] += 1
        polls = self._polls[report_id]
        if polls > self._empty_polls + self._in_progress_polls:
            return answer
        items = [] if polls <= self._empty_polls else json.loads(answer.body)["items"]
        for item in items:
            item.pop("id", None)
            item.update(size=0, status="in_progress")
        return Answer.of_json({"items": items})

    def _log(self) -> Answer:
        counts = Counter(f"{entry['method']} {entry['route']}" for entry in self.requests)
        return Answer.of_json(
            {"items": self.requests, "counts": counts, "reports_created": self.reports_created}
        )
