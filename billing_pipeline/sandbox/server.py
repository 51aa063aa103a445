"""HTTP on loopback: reads requests from connections and sends the answers."""

import socket
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from billing_pipeline.sandbox.messages import Answer, Request

# The answer to a request; the context ends when the answer has been sent.
Exchange = Callable[[Request], AbstractContextManager[Answer]]


class SandboxServer(ThreadingHTTPServer):
    """A thread for each connection; connections are kept alive.

    Args:
        port: TCP port on 127.0.0.1; 0 takes a free one.
        exchange: answers the requests.
        handler: serves a connection.
        now: the server's clock, for the header `Date`; aware UTC times.

    Raises:
        OSError: the port is taken.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, port: int, exchange: Exchange, handler: "type[RequestHandler]", now: Callable[[], datetime]
    ) -> None:
        self.exchange = exchange
        self.now = now
        self.connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), handler)

    def stop(self) -> None:
        """Close all connections and free the port."""
        self.shutdown()
        for connection in list(self.connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that close their connection early."""


class RequestHandler(BaseHTTPRequestHandler):
    """The requests of one connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 120  # seconds without a request
    server: SandboxServer

    def handle(self) -> None:
        """Answer the connection's requests; the server can close the connection meanwhile."""
        self.server.connections.add(self.connection)
        try:
            super().handle()
        finally:
            self.server.connections.discard(self.connection)

    def deliver(self, answer: Answer) -> None:
        """Send an answer."""
        self.send_head(answer, {} if answer.status == 204 else {"Content-Length": str(len(answer.body))})
        self.wfile.write(answer.body)

    def send_head(self, answer: Answer, framing: dict[str, str]) -> None:
        """Send the status line and the headers; `framing` says how long the body is."""
        self.send_response(answer.status)
        for name, value in (answer.headers | framing).items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The header `Date`, by the sandbox's clock."""
        return super().date_time_string(self.server.now().timestamp() if timestamp is None else timestamp)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - name of the base class
        """Log nothing: the sandbox keeps a list of its requests."""

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        with self.server.exchange(Request(self.command, parts.path, parts.query, headers, body)) as answer:
            self.deliver(answer)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _serve  # noqa: N815 - names of the base class
