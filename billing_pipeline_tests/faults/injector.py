"""The effect of each fault on an answer.

Types and their options:

- `answer`: this `status`, `headers` (a value may be `{"date_in": seconds}`, an HTTP date) and body instead of
  the real answer: `json`, `text`, the API's `error` body with this message, or a `login_page`; with
  `carried_out`, after the request was carried out.
- `echo`: an error that quotes the Authorization header and the client secret.
- `redirect`: to `location`, in which `{path}` is the path of the request; by default to another name of this
  host.
- `silence`: no answer; `how` it ends: `close`, `reset` or `hang` for `seconds`; `carried_out` as above.
- `delay`: the real answer, `seconds` later.
- `delivery`: the real answer, badly delivered; see `delivery.BrokenAnswer`.
- `encoding`: the real file with its gzip encoding wrong; `bytes` is the size of a bomb.
- `content`: the real file with its content wrong; see `content`.
- `merge`: the real answer with `json` merged into its body and, if given, another `status`.
- `stored`: the real stored reports with values `set`, keys `drop`ped, a format `omit`ted, an `empty` list, or
  sizes off by `size_offset`.
- `token`: a real token that says it `expires_in` so many seconds, is valid for `valid_requests` requests
  only, or lacks the keys to `drop`.
- `revoke`: all tokens issued so far become invalid, then the request is answered.
"""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Callable, Mapping
from email.utils import formatdate
from functools import lru_cache
from typing import Any

from billing_pipeline.sandbox.messages import Answer, ApiError, Request
from billing_pipeline_tests.faults.content import corrupt
from billing_pipeline_tests.faults.delivery import BrokenAnswer
from billing_pipeline_tests.faults.rules import FaultRule
from billing_pipeline_tests.faults.tokens import TokenLimits

_DEFAULT_BOMB = 1 << 28
_LOGIN_PAGE = b"<!DOCTYPE html><html><head><title>Log in</title></head><body><form></form></body></html>"


class FaultInjector:
    """Applies faults.

    Args:
        limits: which tokens are still accepted.
        client_secret: what an echoing error gives away.
        port: for redirects to another name of this host.
        stopping: ends all waits when it is set.
    """

    def __init__(
        self, limits: TokenLimits, client_secret: str, port: Callable[[], int], stopping: threading.Event
    ) -> None:
        self._limits = limits
        self._client_secret = client_secret
        self._port = port
        self._stopping = stopping

    def apply(self, rule: FaultRule, request: Request, real: Callable[[], Answer]) -> Answer:
        """The answer to a request that the rule affects; `real` carries the request out."""
        fault = rule.fault
        kind = fault["type"]
        if kind in {"silence", "answer"}:
            if fault.get("carried_out"):
                real()
            if kind == "answer":
                return _fixed(fault)
            seconds = fault.get("seconds", 3600.0)
            return BrokenAnswer(0, how=fault["how"], seconds=seconds, stopping=self._stopping)
        if kind == "echo":
            return self._echo(fault, request)
        if kind == "redirect":
            return self._redirect(fault, request)
        if kind == "delay":
            self._stopping.wait(fault.get("seconds", 1.0))
        elif kind == "revoke":
            self._limits.revoke_all()
        answer = real()
        # A request that is wrong in itself gets its own error answer.
        return answer if answer.status >= 300 and kind != "delivery" else self._changed(answer, rule)

    def _changed(self, answer: Answer, rule: FaultRule) -> Answer:
        """The real answer, changed as the fault says."""
        fault = rule.fault
        changes: dict[str, Callable[[], Answer]] = {
            "delivery": lambda: self._badly_delivered(answer, fault),
            "encoding": lambda: _encoded(answer, fault),
            "content": lambda: _corrupted(answer, fault["how"]),
            "merge": lambda: _merged(answer, fault),
            "stored": lambda: _stored(answer, fault, rule.format),
            "token": lambda: self._token(answer, fault),
        }
        return changes.get(fault["type"], lambda: answer)()

    def _badly_delivered(self, answer: Answer, fault: Mapping[str, Any]) -> Answer:
        how, at, seconds = fault["how"], fault.get("at", 0.5), fault.get("seconds", 10.0)
        return BrokenAnswer(answer.status, answer.body, answer.headers, how, at, seconds, self._stopping)

    def _redirect(self, fault: Mapping[str, Any], request: Request) -> Answer:
        location = fault.get("location", f"http://localhost:{self._port()}{{path}}")
        headers = {"Location": location.replace("{path}", request.path)}
        return Answer(fault.get("status", 307), b"", headers)

    def _echo(self, fault: Mapping[str, Any], request: Request) -> Answer:
        sent = request.headers.get("authorization", "")
        message = f"Cannot handle request with Authorization: {sent} ({self._client_secret})"
        details = {"info": f"client_secret={self._client_secret}; token={sent.partition(' ')[2]}"}
        error = {"code": "echo", "domain": "proxy", "message": message, "details": details}
        return Answer.of_json({"error": error}, fault.get("status", 400))

    def _token(self, answer: Answer, fault: Mapping[str, Any]) -> Answer:
        body = json.loads(answer.body)
        if "expires_in" in fault:
            body["expires_on"] = int(time.time()) + fault["expires_in"]
        if "valid_requests" in fault:
            self._limits.limit(body["access_token"], fault["valid_requests"])
        for name in fault.get("drop", ()):
            body.pop(name, None)
        return Answer.of_json(body, answer.status)


def _fixed(fault: Mapping[str, Any]) -> Answer:
    headers = {
        name: formatdate(time.time() + value["date_in"], usegmt=True)
        if isinstance(value, dict)
        else str(value)
        for name, value in fault.get("headers", {}).items()
    }
    status = fault.get("status", 200)
    if "error" in fault:
        answer = ApiError(status, status, fault["error"]).answer
    elif "json" in fault:
        answer = Answer.of_json(fault["json"], status)
    elif fault.get("login_page"):
        answer = Answer(status, _LOGIN_PAGE, {"Content-Type": "text/html; charset=utf-8"})
    else:
        answer = Answer(status, fault.get("text", "").encode())
    answer.headers |= headers
    return answer


def _corrupted(answer: Answer, how: str) -> Answer:
    content = packed(corrupt(how, gzip.decompress(answer.body)))
    return Answer(answer.status, content, answer.headers)


def packed(content: bytes) -> bytes:
    """The file as it is sent; equal contents give equal bytes."""
    return gzip.compress(content, 1, mtime=0)


def _encoded(answer: Answer, fault: Mapping[str, Any]) -> Answer:
    packed = answer.body
    headers = dict(answer.headers)
    how = fault["how"]
    if how == "no_header":
        del headers["Content-Encoding"]
    bodies: dict[str, Callable[[], bytes]] = {
        "no_header": lambda: packed,
        "no_gzip": lambda: gzip.decompress(packed),
        "truncated": lambda: packed[: len(packed) * 2 // 3],
        "bad_crc": lambda: packed[:-8] + bytes([packed[-8] ^ 0xFF]) + packed[-7:],
        "bomb": lambda: _bomb(fault.get("bytes", _DEFAULT_BOMB)),
        "twice": lambda: gzip.compress(packed, 1),
        "garbage": lambda: packed + b"\x00garbage after the end",
    }
    return Answer(answer.status, bodies[how](), headers)


def prepare(fault: Mapping[str, Any]) -> None:
    """Compute in advance what takes longer than a client waits for an answer."""
    if fault["type"] == "encoding" and fault["how"] == "bomb":
        _bomb(fault.get("bytes", _DEFAULT_BOMB))


@lru_cache(maxsize=2)
def _bomb(size: int) -> bytes:
    """Gzip of an unfinished JSON report: spaces, which compress to a thousandth of their size."""
    return gzip.compress(b'{"params": {}, "tenants": [' + b" " * size, 9)


def _merged(answer: Answer, fault: Mapping[str, Any]) -> Answer:
    if not answer.body:
        return answer
    body = _deep_merge(json.loads(answer.body), fault.get("json", {}))
    return Answer.of_json(body, fault.get("status", answer.status))


def _deep_merge(into: Any, extra: Any) -> Any:
    if not isinstance(into, dict) or not isinstance(extra, dict):
        return extra
    return into | {key: _deep_merge(into.get(key), value) for key, value in extra.items()}


def _stored(answer: Answer, fault: Mapping[str, Any], report_format: str | None) -> Answer:
    items = [] if fault.get("empty") else json.loads(answer.body)["items"]
    items = [item for item in items if item["report_format"] != fault.get("omit")]
    for item in items:
        if report_format in (None, item["report_format"]):
            item.update(fault.get("set", {}))
            item["size"] += fault.get("size_offset", 0)
            for name in fault.get("drop", ()):
                item.pop(name, None)
    return Answer.of_json({"items": items}, answer.status)
