"""The sandbox as one object that can be started and stopped."""

from __future__ import annotations

import json
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from billing_pipeline.sandbox.api import Api, find_route
from billing_pipeline.sandbox.distributor import Distributor
from billing_pipeline.sandbox.messages import Answer, ApiError, Request
from billing_pipeline.sandbox.report_rows import KINDS, LEVELS, ReportSelection
from billing_pipeline.sandbox.server import RequestHandler, SandboxServer
from billing_pipeline.sandbox.store import Reports, Tokens
from billing_pipeline.sandbox.totals import report_totals
from billing_pipeline.sandbox.windows import Window

DEFAULT_SEED = 2015
DEFAULT_TENANTS = 40
DEFAULT_CLIENT_ID = "f4b2bd1c-9e7f-4a57-9a3f-5a17d0b0c0de"
DEFAULT_CLIENT_SECRET = "sandbox-secret-not-for-production"  # noqa: S105 - opens nothing but the sandbox
TOKEN_LIFETIME_SECONDS = 2 * 3600
_REQUESTS_KEPT = 100_000


class Sandbox:
    """A local stand-in for the Acronis account-management API; as a context manager it serves while open.

    Beside the API it answers two requests without authentication: `GET /sandbox/totals` with the arguments of
    `totals` as its query, and `GET /sandbox/requests` with the API requests so far.

    Args:
        port: TCP port on 127.0.0.1; 0 takes a free one.
        tenants: places directly below the distributor; about 30 rows each in a report on direct partners.
        seed: which distributor. Rows depend on seed, tenants and the parameters of the report only.
        ready_after_seconds: from the request until the stored reports are saved; in the first quarter of that
            time the list of stored reports is empty, then they are in progress.
        empty_polls, in_progress_polls: at least so many polls of the stored reports get an empty list, then
            `in_progress`, however much time has passed.
        client_id, client_secret: the credentials that are accepted.
        now: the server's clock as aware UTC times: decides which periods are in the future, when tokens
            expire and what `created_at` says. Readiness is always measured in real seconds.
        token_lifetime_seconds: validity of access tokens.
        json_layout: layout of json_v2_0, `flat` or `grouped`.

    Attributes:
        requests: the latest hundred thousand API requests, oldest first, each with method, path, route,
            report_id, authorized, status, and two times in UNIX seconds: `time`, when it was received, and
            `ended`, when its answer had been sent (None: not yet).
    """

    handler: type[RequestHandler] = RequestHandler

    def __init__(
        self,
        port: int = 0,
        *,
        tenants: int = DEFAULT_TENANTS,
        seed: int = DEFAULT_SEED,
        ready_after_seconds: float = 2.0,
        empty_polls: int = 0,
        in_progress_polls: int = 0,
        client_id: str = DEFAULT_CLIENT_ID,
        client_secret: str = DEFAULT_CLIENT_SECRET,
        now: Callable[[], datetime] | None = None,
        token_lifetime_seconds: int = TOKEN_LIFETIME_SECONDS,
        json_layout: str = "flat",
    ) -> None:
        """Generate the distributor.

        Raises:
            ValueError: the number of tenants is not possible.
        """
        self.client_id = client_id
        self.client_secret = client_secret
        self.distributor = Distributor(seed, tenants)
        self.tenant_id = self.distributor.root.id
        self.requests: list[dict[str, Any]] = []
        clock = now or (lambda: datetime.now(UTC))
        self._folder = tempfile.TemporaryDirectory(prefix="billing-pipeline-sandbox-")
        self._reports = Reports(
            self.distributor,
            Path(self._folder.name),
            clock,
            ready_after_seconds=ready_after_seconds,
            empty_polls=empty_polls,
            in_progress_polls=in_progress_polls,
            json_layout=json_layout,
        )
        self._api = Api(
            client_id,
            client_secret,
            distributor=self.distributor,
            tokens=Tokens(clock, token_lifetime_seconds),
            reports=self._reports,
            now=clock,
        )
        self._port = port
        self._server: SandboxServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The TCP port on 127.0.0.1."""
        if self._server is None:
            raise RuntimeError("the sandbox is not running")
        return int(self._server.server_address[1])

    @property
    def base_url(self) -> str:
        """The data-centre URL, without `/api/2`."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def reports_created(self) -> int:
        """Number of reports created since the start, deleted ones included."""
        return self._reports.created

    def start(self) -> Self:
        """Listen and serve in the background.

        Raises:
            OSError: the port is taken.
        """
        self._server = SandboxServer(self._port, self.exchange, self.handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Close every connection, stop listening and remove the files of the reports."""
        if self._server is not None and self._thread is not None:
            self._server.stop()
            self._thread.join()
            self._server = self._thread = None
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def totals(
        self,
        period: str,
        *,
        level: str = "direct_partners",
        kind: str = "usage_summary",
        hide_zero_usage: bool = True,
        tenant_id: str | None = None,
    ) -> dict[str, object]:
        """The control totals of a report on a month, counted without writing one; see `report_totals`.

        Raises:
            ValueError: the period is not `YYYY-MM`, or the level or kind is unknown.
            LookupError: there is no such tenant.
        """
        if level not in LEVELS or kind not in KINDS:
            raise ValueError(f"level is one of {', '.join(LEVELS)}; kind is one of {', '.join(KINDS)}")
        window = Window.of_month(period)
        selection = ReportSelection(tenant_id or self.tenant_id, window, kind, level, hide_zero_usage)
        named = {"period": period, "level": level, "kind": kind, "hide_zero_usage": hide_zero_usage}
        return {**named, "tenant_id": selection.tenant_id, **report_totals(self.distributor, selection)}

    @contextmanager
    def exchange(self, request: Request) -> Iterator[Answer]:
        """The answer to any request; the context ends when the answer has been sent."""
        if request.path.startswith("/sandbox/"):
            yield self._own_answer(request)
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
        del self.requests[:-_REQUESTS_KEPT]
        try:
            yield self.answer(request, route, entry)
        finally:
            entry["ended"] = time.time()

    def answer(self, request: Request, route: str, entry: dict[str, Any]) -> Answer:
        """The answer to an API request.

        Args:
            request: the request.
            route: the name of its route, as in `ROUTES`.
            entry: the request's entry in `requests`, which gets the status and the id of a new report.
        """
        answer = self._api.answer(request)
        entry["status"] = answer.status
        if route == "create_report" and answer.status == 200:
            entry["report_id"] = json.loads(answer.content())["id"]
        return answer

    def _own_answer(self, request: Request) -> Answer:
        if (request.method, request.path) == ("GET", "/sandbox/requests"):
            counts = Counter(f"{entry['method']} {entry['route']}" for entry in self.requests)
            seen = {"items": self.requests, "counts": counts, "reports_created": self.reports_created}
            return Answer.of_json(seen)
        if (request.method, request.path) != ("GET", "/sandbox/totals"):
            return ApiError(404, "not_found", "Not found", f"there is nothing at {request.path}").answer()
        try:
            totals = self.totals(
                request.parameter("period") or "",
                level=request.parameter("level") or "direct_partners",
                kind=request.parameter("kind") or "usage_summary",
                hide_zero_usage=request.parameter("hide_zero_usage") != "false",
                tenant_id=request.parameter("tenant_id"),
            )
        except (ValueError, LookupError) as error:
            return ApiError(400, "bad_request", "Request validation failed", str(error)).answer()
        return Answer.of_json(totals)
