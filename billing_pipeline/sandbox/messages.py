"""HTTP requests and answers as values, and the API's error bodies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came in; header names are lower-case."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def parameter(self, name: str) -> str | None:
        """The query parameter's last value."""
        return next(reversed(parse_qs(self.query).get(name, [])), None)


@dataclass(slots=True)
class Answer:
    """What is sent back: `body` in memory, or the content of a file."""

    status: int
    body: bytes | Path = b""
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of_json(cls, value: object, status: int = 200) -> Answer:
        """An answer with a JSON body."""
        body = json.dumps(value, ensure_ascii=False).encode()
        return cls(status, body, {"Content-Type": "application/json"})

    def content(self) -> bytes:
        """The body's bytes, as they go over the wire."""
        return self.body.read_bytes() if isinstance(self.body, Path) else self.body


class Refusal(Exception):  # noqa: N818 - it is an answer, not a defect
    """An error answer: `{"error": {"code", "domain", "message", "details": {"info"}, "context"}}`."""

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
