"""The sandbox as a running HTTP server on loopback."""

from __future__ import annotations

import socket
import tempfile
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import copyfileobj
from typing import Any, Self
from urllib.parse import urlsplit

from billing_pipeline.sandbox.api import API_ROOT, Account, Api, find_route
from billing_pipeline.sandbox.distributor import Distributor
from billing_pipeline.sandbox.messages import Answer, Refusal, Request
from billing_pipeline.sandbox.report_rows import KINDS, LEVELS, ReportSelection
from billing_pipeline.sandbox.store import Reports, Tokens
from billing_pipeline.sandbox.totals import report_totals
from billing_pipeline.sandbox.windows import Window

DEFAULT_SEED = 2015
DEFAULT_TENANTS = 40
DEFAULT_CLIENT_ID = "f4b2bd1c-9e7f-4a57-9a3f-5a17d0b0c0de"
DEFAULT_CLIENT_SECRET = "sandbox-secret-not-for-production"  # noqa: S105 - opens nothing but the sandbox
TOKEN_LIFETIME_SECONDS = 2 * 3600
_CONTROL_ROOT = "/sandbox"
_MAX_BODY = 1 << 20
_JOURNAL_LENGTH = 100_000
_IDLE_SECONDS = 120


class Sandbox:
    """A local stand-in for the Acronis account-management API; as a context manager it serves while open.

    Args:
        port: TCP port on 127.0.0.1; 0 takes a free one.
        tenants: places directly below the distributor; about 30 rows each in a report on direct partners.
        seed: which distributor. Reports depend on seed, tenants, period and the order's parameters only.
        ready_after_seconds: from an order until its stored reports are saved; the first quarter of it they
            are not listed, then they are in progress.
        empty_looks, in_progress_looks: at least so many looks at the stored reports see an empty list, then
            `in_progress`, however much time has passed.
        client_id, client_secret: the API client that is let in.
        now: the server's clock as aware UTC times: decides which periods are in the future, when tokens
            expire and what `created_at` says. Readiness is always measured in real seconds.
        token_lifetime_seconds: validity of access tokens.
        json_layout: layout of json_v2_0: `flat`, `grouped`, `grouped_items` or `dotted`.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        tenants: int = DEFAULT_TENANTS,
        seed: int = DEFAULT_SEED,
        ready_after_seconds: float = 2.0,
        empty_looks: int = 0,
        in_progress_looks: int = 0,
        client_id: str = DEFAULT_CLIENT_ID,
        client_secret: str = DEFAULT_CLIENT_SECRET,
        now: Callable[[], datetime] | None = None,
        token_lifetime_seconds: int = TOKEN_LIFETIME_SECONDS,
        json_layout: str = "flat",
    ) -> None:
        self.client_id = client_id
        self.client_secret = client_secret
        self.distributor = Distributor(seed, tenants)
        self.tenant_id = self.distributor.root.id
        self.request_counts: Counter[str] = Counter()
        self._journal: deque[dict[str, Any]] = deque(maxlen=_JOURNAL_LENGTH)
        self._port = port
        self._now = now or (lambda: datetime.now(UTC))
        self._folder = tempfile.TemporaryDirectory(prefix="billing-pipeline-sandbox-")
        self.tokens = Tokens(self._now, token_lifetime_seconds)
        self.reports = Reports(
            self.distributor,
            Path(self._folder.name),
            self._now,
            ready_after_seconds=ready_after_seconds,
            empty_looks=empty_looks,
            in_progress_looks=in_progress_looks,
            json_layout=json_layout,
        )
        self._api = Api(
            Account(client_id, client_secret), self.distributor, self.tokens, self.reports, self._now
        )
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def base_url(self) -> str:
        """The data-centre URL, without `/api/2`."""
        if self._server is None:
            raise RuntimeError("the sandbox is not running")
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def reports_created(self) -> int:
        """How many reports were created since the start, deleted ones included."""
        return self.reports.created

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The API requests so far, oldest first: method, path, route, time, status, authorized."""
        return list(self._journal)

    def start(self) -> Self:
        """Listen and serve in the background."""
        self._server = _Server(("127.0.0.1", self._port), self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Close every connection, stop listening and remove the reports' files."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.close_connections()
            self._server.server_close()
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
        """What a report on the month adds up to, counted without writing one; see `totals.report_totals`.

        Raises:
            ValueError: the period is not `YYYY-MM`, or the level or kind is unknown.
            LookupError: there is no such tenant.
        """
        if level not in LEVELS or kind not in KINDS:
            raise ValueError(f"level is one of {', '.join(LEVELS)}; kind is one of {', '.join(KINDS)}")
        selection = ReportSelection(
            tenant_id or self.tenant_id, Window.of_month(period), kind, level, hide_zero_usage
        )
        named = {"period": period, "level": level, "kind": kind, "hide_zero_usage": hide_zero_usage}
        return {**named, "tenant_id": selection.tenant_id, **report_totals(self.distributor, selection)}

    def handle(self, request: Request) -> Answer:
        """The answer to any request."""
        if request.path.startswith(_CONTROL_ROOT + "/"):
            return self._control(request)
        if not request.path.startswith(API_ROOT + "/"):
            return Refusal(404, "not_found", "Not found", f"the API is at {API_ROOT}").answer()
        return self._api.answer(request)

    def record(self, request: Request, status: int | None) -> None:
        """Note a request to the API and what was answered (None: nothing)."""
        if request.path.startswith(_CONTROL_ROOT + "/"):
            return
        route = find_route(request)[0]
        self.request_counts[f"{request.method} {route}"] += 1
        self._journal.append(
            {
                "method": request.method,
                "path": request.path,
                "route": route,
                "time": time.time(),
                "status": status,
                "authorized": "authorization" in request.headers,
            }
        )

    def _control(self, request: Request) -> Answer:
        """What the sandbox offers beside the API, without authentication: for checks from another process."""
        if request.method == "GET" and request.path == f"{_CONTROL_ROOT}/requests":
            return Answer.of_json(
                {
                    "items": self.requests,
                    "counts": dict(self.request_counts),
                    "reports_created": self.reports_created,
                }
            )
        if request.method == "GET" and request.path == f"{_CONTROL_ROOT}/totals":
            try:
                return Answer.of_json(
                    self.totals(
                        request.parameter("period") or "",
                        level=request.parameter("level") or "direct_partners",
                        kind=request.parameter("kind") or "usage_summary",
                        hide_zero_usage=request.parameter("hide_zero_usage") != "false",
                        tenant_id=request.parameter("tenant_id"),
                    )
                )
            except (ValueError, LookupError) as error:
                return Refusal(400, "bad_request", "Request validation failed", str(error)).answer()
        return Refusal(404, "not_found", "Not found", f"there is nothing at {request.path}").answer()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self._connections: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def track(self, connection: socket.socket) -> None:
        self._connections.add(connection)

    def forget(self, connection: socket.socket) -> None:
        self._connections.discard(connection)

    def close_connections(self) -> None:
        for connection in list(self._connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "AcronisSandbox/1"
    sys_version = ""
    disable_nagle_algorithm = True
    timeout = _IDLE_SECONDS
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.track(self.connection)

    def finish(self) -> None:
        self.server.forget(self.connection)
        super().finish()

    def _serve(self) -> None:
        sandbox = self.server.sandbox
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self._body(headers)
        if body is None:
            return
        request = Request(self.command, parts.path, parts.query, headers, body)
        answer = sandbox.handle(request)
        sandbox.record(request, answer.status)
        self._send(answer)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = _serve  # noqa: N815 - names of the base class

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - name of the base class
        """Silent: the journal has it, and paths in a log would only be noise."""

    def _body(self, headers: dict[str, str]) -> bytes | None:
        if "chunked" in headers.get("transfer-encoding", ""):
            return self._refuse_body(411, "length_required")
        try:
            length = int(headers.get("content-length", "0"))
        except ValueError:
            return self._refuse_body(400, "bad_request")
        if not 0 <= length <= _MAX_BODY:
            return self._refuse_body(413, "payload_too_large")
        return self.rfile.read(length)

    def _refuse_body(self, status: int, code: str) -> bytes | None:
        self.close_connection = True
        self._send(Refusal(status, code, "The request's body cannot be read").answer())
        return None

    def _send(self, answer: Answer) -> None:
        length = answer.body.stat().st_size if isinstance(answer.body, Path) else len(answer.body)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", str(length))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command == "HEAD":
            return
        if isinstance(answer.body, Path):
            with answer.body.open("rb") as file:
                copyfileobj(file, self.wfile, 1 << 18)
        else:
            self.wfile.write(answer.body)
