"""HTTP requests and answers as values, and the API's error bodies."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
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

    @property
    def parameters(self) -> dict[str, str]:
        """The last value of each query parameter."""
        return {name: values[-1] for name, values in parse_qs(self.query).items()}

    def credentials(self, scheme: str) -> str:
        """What the Authorization header holds; empty for another scheme than this one, in lower case."""
        sent, _, value = self.headers.get("authorization", "").partition(" ")
        return value.strip() if sent.lower() == scheme else ""


@dataclass(slots=True)
class Answer:
    """An HTTP answer."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of_json(cls, value: object, status: int = 200) -> "Answer":
        """An answer with a JSON body."""
        body = json.dumps(value, ensure_ascii=False).encode()
        return cls(status, body, {"Content-Type": "application/json"})


class ApiError(Exception):
    """An error answer: `{"error": {"code", "domain", "message", "details": {"info"}, "context"}}`.

    The arguments are the members of its body; `info` defaults to the message.
    """

    def __init__(self, status: int, code: str | int, message: str, info: str = "", **context: object) -> None:
        super().__init__(message)
        error = {
            "code": code,
            "domain": "ReportManager",
            "message": message,
            "details": {"info": info or message},
            "context": context,
        }
        self.answer = Answer.of_json({"error": error}, status)


def bad_request(info: str, **context: object) -> ApiError:
    """The error of a request that is invalid, for the reason `info`."""
    return ApiError(400, "bad_request", "Request validation failed", info, **context)
