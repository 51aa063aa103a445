"""HTTP requests and answers as values, and the API's error bodies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request; header names are lower-case."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def media_type(self) -> str:
        """The content type in lower case, without its parameters."""
        return self.headers.get("content-type", "").split(";")[0].strip().lower()

    def parameter(self, name: str) -> str | None:
        """The last value of a query parameter; None if it is missing."""
        return next(reversed(parse_qs(self.query).get(name, [])), None)


@dataclass(slots=True)
class Answer:
    """An HTTP answer; `body` is bytes or a file whose content is sent."""

    status: int
    body: bytes | Path = b""
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of_json(cls, value: object, status: int = 200) -> Answer:
        """An answer with a JSON body."""
        body = json.dumps(value, ensure_ascii=False).encode()
        return cls(status, body, {"Content-Type": "application/json"})

    @property
    def length(self) -> int:
        """The size of the body in bytes."""
        return self.body.stat().st_size if isinstance(self.body, Path) else len(self.body)

    def content(self) -> bytes:
        """The bytes of the body."""
        return self.body.read_bytes() if isinstance(self.body, Path) else self.body


class ApiError(Exception):
    """An error answer: `{"error": {"code", "domain", "message", "details": {"info"}, "context"}}`.

    The arguments are the members of its body; `info` defaults to the message.
    """

    def __init__(self, status: int, code: str | int, message: str, info: str = "", **context: object) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.info = info or message
        self.context = context

    def answer(self) -> Answer:
        """The answer to send."""
        error = {
            "code": self.code,
            "domain": "ReportManager",
            "message": self.message,
            "details": {"info": self.info},
            "context": self.context,
        }
        return Answer.of_json({"error": error}, self.status)
