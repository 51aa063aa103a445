"""Errors for responses outside 2xx, classified by what can be done about them.

`ApiError`: permanent. `CredentialsError`: 401 and 403. `ApiUnavailableError`: transient, raised when the
retry budget is spent. `HistoryNotReadyError`: Acronis has not finished the period's usage history.
"""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from billing_pipeline.acronis.redaction import Redactor
from billing_pipeline.acronis.retry_after import retry_after_seconds
from billing_pipeline.errors import ApiError, CredentialsError

_HISTORY_NOT_READY = re.compile(r"(?i)history is not ready|not ready but should be available")
_TITLE = re.compile(r"(?is)<title[^>]*>(.*?)</title>")
_ID = re.compile(r"\b([0-9a-f]{8})-[0-9a-f-]{27}\b")
_NOT_IMPLEMENTED = 501

TRY_LATER = "Run it again later: it continues where it stopped."


class ApiUnavailableError(ApiError):
    """The API cannot be reached, is overloaded, or sends an unusable response; retrying later may help.

    Args:
        retry_after: plausible `Retry-After`, in seconds.
        outcome_unknown: the API may have received and executed the request; only its response is lost.
    """

    def __init__(
        self, what: str, *, retry_after: float | None = None, outcome_unknown: bool = False, **details: Any
    ) -> None:
        super().__init__(what, todo=TRY_LATER, **details)
        self.retry_after = retry_after
        self.outcome_unknown = outcome_unknown


class HistoryNotReadyError(ApiError):
    """The usage history of the period is not complete yet; the same request is accepted later."""


def failure(
    call: str, status: int, headers: dict[str, str], body: bytes, redact: Redactor, *, at_token: bool = False
) -> ApiError:
    """The error for a response outside 2xx.

    Args:
        call: method and path, for the message.
        status: HTTP status.
        headers: lower-case names.
        body: the beginning of the body.
        redact: removes secrets.
        at_token: whether a token was requested; there, 400 concerns the credentials, too.
    """
    code, message = _code_and_message(body, redact)
    detail = f": {message}" if message else ""
    what = f"{call} answered {status}{_phrase(status)}{detail}"
    details: dict[str, Any] = {"status": status, "code": code, "api_message": message}
    if _HISTORY_NOT_READY.search(message or "") and status in {400, 500}:
        return HistoryNotReadyError(
            what, todo="Run it again after 06:00 UTC on the second day of the month.", **details
        )
    if status == 401 or (at_token and status in {400, 403}):
        return CredentialsError(
            what,
            todo="Check ACRONIS_CLIENT_ID and ACRONIS_CLIENT_SECRET, "
            "and that the API client belongs to the data centre in ACRONIS_BASE_URL.",
            **details,
        )
    if status == 403:
        return CredentialsError(
            what,
            todo="Check that the API client has an administrator role in the tenant (ACRONIS_TENANT_ID).",
            **details,
        )
    if status in {408, 425, 429} or (status >= 500 and status != _NOT_IMPLEMENTED):
        return ApiUnavailableError(
            what, retry_after=retry_after_seconds(headers), outcome_unknown=status >= 500, **details
        )
    if 300 <= status < 400:
        return ApiError(
            f"{call} answered {status}{_phrase(status)} to {redact(_host(headers.get('location')))}, "
            "which is not followed: it would carry the token away",
            todo="Set ACRONIS_BASE_URL to the data centre's own URL, or look for a proxy in between.",
            **details,
        )
    if status == 404:
        todo = "Check ACRONIS_BASE_URL and ACRONIS_TENANT_ID."
    elif status == 400:
        todo = "Check the report's settings (ACRONIS_TENANT_ID, ACRONIS_REPORT_KIND, ACRONIS_REPORT_LEVEL)."
    else:
        todo = "Check ACRONIS_BASE_URL; if it is right, report the message as a defect."
    return ApiError(what, todo=todo, **details)


def shortened(path: str) -> str:
    """A path for messages, its UUIDs cut to eight characters."""
    return _ID.sub(r"\1…", path)


def _phrase(status: int) -> str:
    try:
        return f" {HTTPStatus(status).phrase}"
    except ValueError:
        return ""


def _host(location: str | None) -> str:
    """The target of a redirect, without path and query: they may contain secrets."""
    try:
        parts = urlsplit(location or "")
        return (f"{parts.scheme}://{parts.hostname}" if parts.hostname else "another path")[:100]
    except ValueError:
        return "an unreadable address"


def _code_and_message(body: bytes, redact: Redactor) -> tuple[str | None, str | None]:
    """The error's code and message, redacted.

    The API sends `{"error": {"code", "message", "details": {"info"}}}`, its token endpoint
    `{"error", "error_description"}`, and a proxy anything.
    """
    try:
        error = json.loads(body)["error"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None, describe(body, redact)
    if not isinstance(error, dict):
        described = json.loads(body).get("error_description")
        return redact.short(str(error), 60), redact.short(": ".join(str(w) for w in (error, described) if w))
    details = error.get("details")
    info = details.get("info") if isinstance(details, dict) else None
    words = ": ".join(dict.fromkeys(str(word) for word in (error.get("message"), info) if word))
    code = error.get("code")
    return (None if code is None else redact.short(str(code), 60)), redact.short(words) or None


def describe(body: bytes, redact: Redactor) -> str | None:
    """A short, redacted description of a body that does not have the API's format."""
    text = body.decode("utf-8", "replace").strip()
    if not text:
        return None
    if text.startswith("<"):
        title = _TITLE.search(text)
        return f"an HTML page titled {redact.short(title[1], 80)!r}" if title else "an HTML page"
    return redact.short(text, 120)
