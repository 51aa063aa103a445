"""Errors for calls that failed, classified by what can be done about them.

`ApiError`: permanent. `CredentialsError`: 401 and 403. `ApiUnavailableError`: transient, raised when the
retry budget is spent. `HistoryNotReadyError`: Acronis has not finished the period's usage history.
"""

import json
import math
import re
import ssl
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.client import responses
from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import LocationValueError, NameResolutionError, NewConnectionError

from billing_pipeline.acronis.redaction import Redactor
from billing_pipeline.errors import ApiError, CredentialsError

_HISTORY_NOT_READY = re.compile(r"(?i)history is not ready|not ready but should be available")
_TITLE = re.compile(r"(?is)<title[^>]*>(.*?)</title>")
_SECONDS = re.compile(r"(?a)\d+\.?\d*|\.\d+")
_ID = re.compile(r"\b([0-9a-f]{8})-[0-9a-f-]{27}\b")
_NOT_IMPLEMENTED = 501

_CHECK_CLIENT = (
    "Check ACRONIS_CLIENT_ID and ACRONIS_CLIENT_SECRET, "
    "and that the API client belongs to the data centre in ACRONIS_BASE_URL."
)
_CHECK_ROLE = "Check that the API client has an administrator role in the tenant (ACRONIS_TENANT_ID)."
_CHECK_REDIRECT = "Set ACRONIS_BASE_URL to the data centre's own URL, or look for a proxy in between."
_CHECK_OTHER = "Check ACRONIS_BASE_URL; if it is right, report the message as a defect."
_TODO = {
    400: "Check the report's settings (ACRONIS_TENANT_ID, ACRONIS_REPORT_KIND, ACRONIS_REPORT_LEVEL).",
    404: "Check ACRONIS_BASE_URL and ACRONIS_TENANT_ID.",
}

MAX_PLAUSIBLE_SECONDS = 86400.0
"""A longer wait than a day is taken for a mistake of the server."""

_CHECK_ENVIRONMENT = "Check ACRONIS_BASE_URL, REQUESTS_CA_BUNDLE and the proxy settings of the environment."
# By cause: what happened, and what the user can do where retrying does not help. The API received nothing.
_NEVER_SENT = (
    (
        ssl.SSLCertVerificationError,
        "the server's certificate is not trusted",
        "Check ACRONIS_BASE_URL; for a company's own certificates set REQUESTS_CA_BUNDLE.",
    ),
    (
        (UnicodeError, LocationValueError),
        "cannot be called: HTTP cannot carry the host's name or a credential",
        "Check ACRONIS_BASE_URL, ACRONIS_CLIENT_ID and ACRONIS_CLIENT_SECRET for changed characters.",
    ),
    (NameResolutionError, "the host's name cannot be resolved (check ACRONIS_BASE_URL)", None),
    (requests.exceptions.ProxyError, "the proxy named in the environment does not connect", None),
    (requests.ConnectTimeout, "no connection within the timeout (check ACRONIS_BASE_URL)", None),
    (ConnectionRefusedError, "connection refused (check ACRONIS_BASE_URL)", None),
    (NewConnectionError, "cannot be reached (check ACRONIS_BASE_URL)", None),
)

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
    call: str, status: int, headers: Mapping[str, str], body: bytes, redact: Redactor, *, at_token: bool
) -> ApiError:
    """The error for a response outside 2xx.

    Args:
        call: method and path, for the message.
        status: HTTP status.
        headers: of the response; names in any case.
        body: the beginning of the body.
        redact: removes secrets.
        at_token: whether a token was requested; there, 400 concerns the credentials, too.
    """
    message = _message(body, redact)
    answered = f"{call} answered {status} {responses.get(status, '')}".rstrip()
    what = f"{answered}: {message}" if message else answered
    details: dict[str, Any] = {"status": status, "api_message": message}
    if _HISTORY_NOT_READY.search(message or "") and status in {400, 500}:
        return HistoryNotReadyError(
            what, todo="Run it again after 06:00 UTC on the second day of the month.", **details
        )
    if status == 401 or (at_token and status in {400, 403}):
        return CredentialsError(what, todo=_CHECK_CLIENT, **details)
    if status == 403:
        return CredentialsError(what, todo=_CHECK_ROLE, **details)
    if status in {408, 425, 429} or (status >= 500 and status != _NOT_IMPLEMENTED):
        return ApiUnavailableError(
            what, retry_after=retry_after_seconds(headers), outcome_unknown=status >= 500, **details
        )
    if 300 <= status < 400:
        target = redact(_host(headers.get("location")))
        what = f"{answered} to {target}, which is not followed: it would carry the token away"
        return ApiError(what, todo=_CHECK_REDIRECT, **details)
    return ApiError(what, todo=_TODO.get(status, _CHECK_OTHER), **details)


def shortened(path: str) -> str:
    """A path for messages, its UUIDs cut to eight characters."""
    return _ID.sub(r"\1…", path)


def _host(location: str | None) -> str:
    """The target of a redirect, without path and query: they may contain secrets."""
    try:
        parts = urlsplit(location or "")
        return (f"{parts.scheme}://{parts.hostname}" if parts.hostname else "another path")[:100]
    except ValueError:
        return "an unreadable address"


def _message(body: bytes, redact: Redactor) -> str | None:
    """The error's message, redacted.

    The API sends `{"error": {"code", "message", "details": {"info"}}}`, its token endpoint
    `{"error", "error_description"}`, and a proxy anything.
    """
    try:
        answer = json.loads(body)
        error = answer["error"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return describe(body, redact)
    if isinstance(error, dict):
        details = error.get("details")
        info = details.get("info") if isinstance(details, dict) else None
        words = error.get("message") or error.get("code"), info
    else:
        words = error, answer.get("error_description")
    return redact.short(": ".join(dict.fromkeys(str(word) for word in words if word))) or None


def describe(body: bytes, redact: Redactor) -> str | None:
    """A short, redacted description of a body that does not have the API's format."""
    text = body.decode("utf-8", "replace").strip()
    if not text:
        return None
    if text.startswith("<"):
        title = html_title(text)
        return "an HTML page" if title is None else f"an HTML page titled {redact.short(title, 80)!r}"
    return redact.short(text, 120)


def html_title(text: str) -> str | None:
    """The title of an HTML page, such as a proxy or a login sends; None if it has none."""
    found = _TITLE.search(text)
    return found[1] if found else None


def retry_after_seconds(headers: Mapping[str, str], *, now: datetime | None = None) -> float | None:
    """Whole seconds to wait before the next request; None without the header, or if it is implausible.

    Args:
        headers: of the response. A date is compared with the server's own `Date`, if present, so
            that a wrong clock on either side does not matter.
        now: the current time, for responses without `Date`; default: the system clock.
    """
    value = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(value):
        seconds = float(value)
    else:
        moment = http_date(value)
        if moment is None:
            return None
        present = http_date(headers.get("date", "")) or now or datetime.now(UTC)
        seconds = (moment - present) / timedelta(seconds=1)
    return math.ceil(seconds) if 0 <= seconds <= MAX_PLAUSIBLE_SECONDS else None


def http_date(value: str) -> datetime | None:
    """A date of a header; None if it cannot be read."""
    try:
        moment = parsedate_to_datetime(value)
        return moment.replace(tzinfo=moment.tzinfo or UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def connection_error(call: str, base_url: str, error: Exception) -> ApiError:
    """The error for a request that got no response, from the type of the underlying error.

    Its text is not used: it may contain a proxy's password, a header or a body.

    Args:
        call: method and path.
        base_url: the data-centre URL.
        error: the underlying error.
    """
    where = f"{call} at {base_url.removesuffix('/api/2')}"
    causes = list(_causes(error))
    for kinds, what, todo in _NEVER_SENT:
        if any(isinstance(cause, kinds) for cause in causes):
            message = f"{where}: {what}"
            return ApiError(message, todo=todo) if todo else ApiUnavailableError(message)
    if isinstance(error, requests.Timeout):
        return ApiUnavailableError(f"{where}: no answer within the timeout", outcome_unknown=True)
    if isinstance(error, OSError) and not isinstance(error, requests.ConnectionError):
        reason = type(error).__name__ if isinstance(error, requests.RequestException) else error.strerror
        return ApiError(f"{where}: cannot be called ({reason or error})", todo=_CHECK_ENVIRONMENT)
    return ApiUnavailableError(f"{where}: the connection broke off", outcome_unknown=True)


def _causes(error: object, depth: int = 5) -> Iterator[BaseException]:
    """The error and what it was raised from; requests and urllib3 keep causes in `args` and `reason`."""
    if isinstance(error, BaseException) and depth:
        yield error
        for cause in (error.__cause__, error.__context__, getattr(error, "reason", None), *error.args):
            yield from _causes(cause, depth - 1)
