"""What a fault does to an answer.

Types and their options:

- `answer`: this `status`, `headers` (a value may be `{"date_in": seconds}`, an HTTP date) and body instead of
  the real answer: `json`, `text`, the API's `error` body with this message, or a `login_page`; with
  `carried_out`, after the request was carried out.
- `echo`: an error that quotes the Authorization header and the client secret.
- `redirect`: to `location`, in which `{path}` stands for the path; by default to another name of this host.
- `silence`: no answer; `how` it ends: `close`, `reset` or `hang` for `seconds`; `carried_out` as above.
- `delay`: the real answer, `seconds` later.
- `delivery`: the real answer, badly delivered; see `delivery.Delivery`.
- `encoding`: the real file with its gzip encoding wrong; `bytes` is the size of a bomb.
- `content`: the real file with its content wrong; see `fault_content`.
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
import time
from collections.abc import Callable, Mapping
from email.utils import formatdate
from functools import lru_cache
from typing import Any

from billing_pipeline.sandbox.delivery import WHOLE, Delivery
from billing_pipeline.sandbox.fault_content import spoil
from billing_pipeline.sandbox.fault_rules import FaultRule
from billing_pipeline.sandbox.messages import Answer, Refusal, Request
from billing_pipeline.sandbox.store import Tokens

_DEFAULT_BOMB = 1 << 28
_LOGIN_PAGE = b"<!DOCTYPE html><html><head><title>Log in</title></head><body><form></form></body></html>"
_Outcome = tuple[Answer, Delivery]


class Saboteur:
    """Applies faults.

    Args:
        tokens: the issued tokens, which some faults invalidate.
        client_secret: what an echoing error gives away.
        port: for redirects to another name of this host.
        wait: called with seconds to wait.
    """

    def __init__(
        self, tokens: Tokens, client_secret: str, port: Callable[[], int], wait: Callable[[float], object]
    ) -> None:
        self._tokens = tokens
        self._client_secret = client_secret
        self._port = port
        self._wait = wait

    def apply(self, rule: FaultRule, request: Request, real: Callable[[], Answer]) -> _Outcome:
        """The answer to a request that the rule strikes; `real` carries the request out."""
        fault = rule.fault
        kind = fault["type"]
        if kind == "silence":
            if fault.get("carried_out"):
                real()
            return Answer(0), Delivery(fault["how"], seconds=fault.get("seconds", 3600.0))
        if kind == "delivery":
            return real(), Delivery(fault["how"], fault.get("at", 0.5), fault.get("seconds", 10.0))
        return self._answer(rule, kind, fault, request, real), WHOLE

    def _answer(
        self,
        rule: FaultRule,
        kind: str,
        fault: Mapping[str, Any],
        request: Request,
        real: Callable[[], Answer],
    ) -> Answer:
        if kind == "answer":
            if fault.get("carried_out"):
                real()
            return _fixed(fault)
        if kind == "echo":
            return self._echo(fault, request)
        if kind == "redirect":
            location = fault.get("location", f"http://localhost:{self._port()}{{path}}")
            headers = {"Location": location.replace("{path}", request.path)}
            return Answer(fault.get("status", 307), b"", headers)
        if kind == "delay":
            self._wait(fault.get("seconds", 1.0))
        elif kind == "revoke":
            self._tokens.revoke_all()
        answer = real()
        if answer.status >= 300:
            return answer  # the request was wrong by itself: nothing to spoil
        changes: dict[str, Callable[[], Answer]] = {
            "encoding": lambda: _encoded(answer, fault),
            "content": lambda: spoiled(answer, fault["how"]),
            "merge": lambda: _merged(answer, fault),
            "stored": lambda: _stored(answer, fault, rule.format),
            "token": lambda: self._token(answer, fault),
        }
        return changes.get(kind, lambda: answer)()

    def _echo(self, fault: Mapping[str, Any], request: Request) -> Answer:
        sent = request.headers.get("authorization", "")
        message = f"Cannot handle request with Authorization: {sent} ({self._client_secret})"
        details = {"info": f"client_secret={self._client_secret}; token={sent.partition(' ')[2]}"}
        error = {"code": "echo", "domain": "proxy", "message": message, "details": details}
        return Answer.of_json({"error": error}, fault.get("status", 400))

    def _token(self, answer: Answer, fault: Mapping[str, Any]) -> Answer:
        body = json.loads(answer.content())
        if "expires_in" in fault:
            body["expires_on"] = int(time.time()) + fault["expires_in"]
        if "valid_requests" in fault:
            self._tokens.limit(body["access_token"], fault["valid_requests"])
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
        answer = Refusal(status, status, fault["error"]).answer()
    elif "json" in fault:
        answer = Answer.of_json(fault["json"], status)
    elif fault.get("login_page"):
        answer = Answer(status, _LOGIN_PAGE, {"Content-Type": "text/html; charset=utf-8"})
    else:
        answer = Answer(status, fault.get("text", "").encode())
    answer.headers |= headers
    return answer


def spoiled(answer: Answer, how: str) -> Answer:
    """The answer's gzip-encoded file with its content made wrong."""
    return Answer(
        answer.status, gzip.compress(spoil(how, gzip.decompress(answer.content())), 1), answer.headers
    )


def _encoded(answer: Answer, fault: Mapping[str, Any]) -> Answer:
    packed = answer.content()
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


@lru_cache(maxsize=2)
def _bomb(size: int) -> bytes:
    """Gzip of a JSON report that never ends: spaces, a thousandth of their size when packed."""
    return gzip.compress(b'{"params": {}, "tenants": [' + b" " * size, 9)


def _merged(answer: Answer, fault: Mapping[str, Any]) -> Answer:
    if not answer.content():
        return answer
    body = _deep_merge(json.loads(answer.content()), fault.get("json", {}))
    return Answer.of_json(body, fault.get("status", answer.status))


def _deep_merge(into: Any, extra: Any) -> Any:
    if not isinstance(into, dict) or not isinstance(extra, dict):
        return extra
    return into | {key: _deep_merge(into.get(key), value) for key, value in extra.items()}


def _stored(answer: Answer, fault: Mapping[str, Any], report_format: str | None) -> Answer:
    items = [] if fault.get("empty") else json.loads(answer.content())["items"]
    items = [item for item in items if item["report_format"] != fault.get("omit")]
    for item in items:
        if report_format in (None, item["report_format"]):
            item.update(fault.get("set", {}))
            item["size"] += fault.get("size_offset", 0)
            for name in fault.get("drop", ()):
                item.pop(name, None)
    return Answer.of_json({"items": items}, answer.status)
