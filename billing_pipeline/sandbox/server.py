"""HTTP on loopback: turns what comes over a connection into requests, and sends the answers."""

from __future__ import annotations

import socket
import threading
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol
from urllib.parse import urlsplit

from billing_pipeline.sandbox.delivery import WHOLE, Delivery, deliver
from billing_pipeline.sandbox.messages import Answer, Refusal, Request

_MAX_BODY = 1 << 20
_IDLE_SECONDS = 120


class Service(Protocol):
    """Who answers the requests."""

    def exchange(self, request: Request) -> AbstractContextManager[tuple[Answer, Delivery]]:
        """The answer to a request, and how to deliver it; the block ends when it has been delivered."""


class SandboxServer(ThreadingHTTPServer):
    """A thread for each connection; connections are kept alive.

    Args:
        port: TCP port on 127.0.0.1; 0 takes a free one.
        service: who answers.
        stopping: set when the server is about to stop: ends all waits.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, service: Service, stopping: threading.Event) -> None:
        self.service = service
        self.stopping = stopping
        self._connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Handler)

    def stop(self) -> None:
        """End all waits, close all connections and free the port."""
        self.stopping.set()
        self.shutdown()
        for connection in list(self._connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        self.server_close()

    def track(self, connection: socket.socket) -> None:
        """Remember an open connection."""
        self._connections.add(connection)

    def forget(self, connection: socket.socket) -> None:
        """Forget a connection that is being closed."""
        self._connections.discard(connection)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "AcronisSandbox/1"
    sys_version = ""
    disable_nagle_algorithm = True
    timeout = _IDLE_SECONDS
    server: SandboxServer

    def setup(self) -> None:
        super().setup()
        self.server.track(self.connection)

    def finish(self) -> None:
        self.server.forget(self.connection)
        super().finish()

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            body = self._body(headers)
        except Refusal as refusal:
            self.close_connection = True
            deliver(self, refusal.answer(), WHOLE, self.server.stopping)
            return
        request = Request(self.command, parts.path, parts.query, headers, body)
        with self.server.service.exchange(request) as (answer, delivery):
            deliver(self, answer, delivery, self.server.stopping)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = _serve  # noqa: N815 - names of the base class

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - name of the base class
        """Silent: the journal has it, and paths in a log would only be noise."""

    def _body(self, headers: dict[str, str]) -> bytes:
        if "transfer-encoding" in headers:
            raise Refusal(411, "length_required", "Length required")
        length = headers.get("content-length", "0")
        if not length.isdecimal():
            raise Refusal(400, "bad_request", "Content-Length is not a number")
        if int(length) > _MAX_BODY:
            raise Refusal(413, "payload_too_large", "Payload too large")
        return self.rfile.read(int(length))
