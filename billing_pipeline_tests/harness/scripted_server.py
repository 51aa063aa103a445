"""A server that sends exactly the given bytes, for responses that no correct server sends."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr

from billing_pipeline.acronis import AcronisClient, RetryPolicy

CLIENT_ID = "11111111-2222-4333-8444-555555555555"
SECRET = "s3cret/with+odd=chars"
TENANT_ID = "0fcd4a69-8a40-4de8-b711-d9c83dc000f7"
REPORT_ID = "20dffb36-d77b-45c6-b2fa-39276e98d5fc"
STORED_ID = "479040dc-e18e-4136-98ce-635c3bc7dbae"
TOKEN_CALL = "POST /api/2/idp/token"
TENANT_CALL = f"GET /api/2/clients/{CLIENT_ID}"
QUICK = RetryPolicy(first_wait=0.01, longest_wait=0.02, retry_after_cap=0.05)

Part = bytes | float
Answer = bytes | Sequence[Part]


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class ScriptedServer:
    """Answers by `METHOD /path`; of several answers the last one repeats. An answer is bytes, or bytes
    and pauses in seconds; after an empty one the connection is simply closed."""

    port: int = 0
    requests: list[Request] = field(default_factory=list)
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/2"

    def on(self, call: str, *answers: Answer) -> None:
        self.answers[call] = list(answers)

    def calls(self) -> list[str]:
        return [f"{each.method} {each.path}" for each in self.requests]

    def answer_to(self, request: Request) -> Answer:
        with self.lock:
            self.requests.append(request)
            answers = self.answers.get(f"{request.method} {request.path}", [status(404)])
            return answers.pop(0) if len(answers) > 1 else answers[0]

    def client(self, **changes: Any) -> AcronisClient:
        wanted: dict[str, Any] = {"retry_policy": QUICK, "connect_timeout": 2, "read_timeout": 2, **changes}
        return AcronisClient(self.base_url, CLIENT_ID, SecretStr(SECRET), **wanted)


def reply(body: bytes, *headers: str, code: int = 200, length: int | None = None) -> bytes:
    """A whole answer; `length` overrides the Content-Length."""
    announced = len(body) if length is None else length
    head = [f"HTTP/1.1 {code} X", f"Content-Length: {announced}", "Connection: close", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def as_json(content: object, *headers: str, code: int = 200) -> bytes:
    return reply(json.dumps(content).encode(), "Content-Type: application/json", *headers, code=code)


def status(code: int, *headers: str, message: str = "no") -> bytes:
    return as_json({"error": {"code": "E1", "message": message}}, *headers, code=code)


def token(text: str = "token-one-0123456789", **more: Any) -> bytes:
    return as_json({"access_token": text, "token_type": "bearer", "expires_in": 7200, **more})


@contextmanager
def serving() -> Iterator[ScriptedServer]:
    server = ScriptedServer()
    server.on("POST /api/2/idp/token", token())
    listener = socket.create_server(("127.0.0.1", 0))
    server.port = listener.getsockname()[1]
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=converse, args=(connection, server, over), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        over.set()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def converse(connection: socket.socket, server: ScriptedServer, over: threading.Event) -> None:
    with connection, suppress(OSError, ValueError):
        answer = server.answer_to(read_request(connection))
        for part in [answer] if isinstance(answer, bytes) else answer:
            if isinstance(part, bytes):
                connection.sendall(part)
            elif over.wait(part):
                return
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):
            pass


def read_request(connection: socket.socket) -> Request:
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            raise ValueError("no request")
        data += more
    head, body = data.split(b"\r\n\r\n", 1)
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        body += connection.recv(65536)
    method, path, _ = first.split(" ")
    return Request(method, path, headers, body)


TENANT = as_json({"type": "api_client", "tenant_id": TENANT_ID, "more": [1]})
"""What `TENANT_CALL` is answered."""
