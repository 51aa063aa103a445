"""Answers that are failures, told apart by what can be done about them.

`ApiError`: permanent. `CredentialsError`: 401 and 403. `ApiUnavailableError`: may pass by itself, and was
given up after a bounded number of attempts. `HistoryNotReadyError`: Acronis is still counting.
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
    """The API could not be reached, is overloaded, or answers nonsense; it may work again later.

    Args:
        retry_after: seconds that the server asked to wait, as far as they make sense.
        outcome_unknown: the request may have reached the API and been carried out, only its answer is lost.
    """

    def __init__(
        self, what: str, *, retry_after: float | None = None, outcome_unknown: bool = False, **details: Any
    ) -> None:
        super().__init__(what, todo=TRY_LATER, **details)
        self.retry_after = retry_after
        self.outcome_unknown = outcome_unknown


class HistoryNotReadyError(ApiError):
    """The usage history of the period is not complete yet; the same order is accepted later."""


def failure(
    call: str, status: int, headers: dict[str, str], body: bytes, redact: Redactor, *, at_token: bool = False
) -> ApiError:
    """The error that an answer outside 2xx is.

    Args:
        call: method and path, for the message.
        status: HTTP status.
        headers: lower-case names.
        body: the beginning of the body.
        at_token: the call was for a token, where 400 means the credentials, too.
    """
    code, message = _api_words(body, redact)
    told = f": {message}" if message else ""
    what = f"{call} answered {status}{_phrase(status)}{told}"
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
    """A path for people: of each id in it the first eight characters."""
    return _ID.sub(r"\1…", path)


def _phrase(status: int) -> str:
    try:
        return f" {HTTPStatus(status).phrase}"
    except ValueError:
        return ""


def _host(location: str | None) -> str:
    """Where a redirect leads, without its path and query: they may carry what is secret."""
    try:
        parts = urlsplit(location or "")
        return (f"{parts.scheme}://{parts.hostname}" if parts.hostname else "another path")[:100]
    except ValueError:
        return "an unreadable address"


def _api_words(body: bytes, redact: Redactor) -> tuple[str | None, str | None]:
    """The API's code and message: `{"error": {"code", "message", "details": {"info"}}}`, at the token
    endpoint `{"error", "error_description"}`; from a proxy anything."""
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
    """A body that is not the API's, in a few words."""
    text = body.decode("utf-8", "replace").strip()
    if not text:
        return None
    if text.startswith("<"):
        title = _TITLE.search(text)
        return f"an HTML page titled {redact.short(title[1], 80)!r}" if title else "an HTML page"
    return redact.short(text, 120)
