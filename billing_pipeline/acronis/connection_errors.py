"""Errors for requests that got no response, from the type of the underlying error.

Its text is not used: it may contain a proxy's password, a header or a body.
"""

from __future__ import annotations

import ssl
from typing import Any

import requests
from urllib3.exceptions import LocationValueError, NameResolutionError, NewConnectionError

from billing_pipeline.acronis.failures import ApiUnavailableError
from billing_pipeline.errors import ApiError

_CHECK_URL = "check ACRONIS_BASE_URL"
_CHECK_ENVIRONMENT = "Check ACRONIS_BASE_URL, REQUESTS_CA_BUNDLE and the proxy settings of the environment."
_PERMANENT = (
    (
        (ssl.SSLCertVerificationError,),
        "the server's certificate is not trusted",
        "Check ACRONIS_BASE_URL; for a company's own certificates set REQUESTS_CA_BUNDLE.",
    ),
    (
        (UnicodeError, LocationValueError),
        "cannot be called: HTTP cannot carry the host's name or a credential",
        "Check ACRONIS_BASE_URL, ACRONIS_CLIENT_ID and ACRONIS_CLIENT_SECRET for changed characters.",
    ),
)


def connection_error(call: str, base_url: str, error: Exception) -> ApiError:
    """Translate an error of requests, urllib3 or the operating system.

    Args:
        call: method and path.
        base_url: the data-centre URL.
        error: the underlying error.
    """
    where = f"{call} at {base_url.removesuffix('/api/2')}"
    for kinds, what, todo in _PERMANENT:
        if _caused_by(error, *kinds):
            return ApiError(f"{where}: {what}", todo=todo)
    never_sent = _never_sent(error)
    if never_sent is not None:
        return ApiUnavailableError(f"{where}: {never_sent}")
    if isinstance(error, requests.Timeout):
        return ApiUnavailableError(f"{where}: no answer within the timeout", outcome_unknown=True)
    if isinstance(error, requests.RequestException) and not isinstance(error, requests.ConnectionError):
        return ApiError(f"{where}: cannot be called ({type(error).__name__})", todo=_CHECK_ENVIRONMENT)
    if isinstance(error, OSError) and not isinstance(error, requests.RequestException):
        return ApiError(f"{where}: cannot be called: {error.strerror or error}", todo=_CHECK_ENVIRONMENT)
    return ApiUnavailableError(f"{where}: the connection broke off", outcome_unknown=True)


def _never_sent(error: Exception) -> str | None:
    """Why the API cannot have received the request; None if it may have."""
    if _caused_by(error, NameResolutionError):
        return f"the host's name cannot be resolved ({_CHECK_URL})"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy named in the environment does not connect"
    if isinstance(error, requests.ConnectTimeout):
        return f"no connection within the timeout ({_CHECK_URL})"
    if _caused_by(error, ConnectionRefusedError):
        return f"connection refused ({_CHECK_URL})"
    if _caused_by(error, NewConnectionError):
        return f"cannot be reached ({_CHECK_URL})"
    return None


def _caused_by(error: BaseException, *kinds: type[BaseException]) -> bool:
    """Whether an error in the chain has one of `kinds`; requests and urllib3 keep causes in `args`."""
    seen: list[BaseException] = []
    waiting: list[Any] = [error]
    while waiting and len(seen) < 20:
        cause = waiting.pop(0)
        if isinstance(cause, kinds):
            return True
        if isinstance(cause, BaseException) and not any(cause is other for other in seen):
            seen.append(cause)
            waiting += [cause.__cause__, cause.__context__, getattr(cause, "reason", None), *cause.args]
    return False
