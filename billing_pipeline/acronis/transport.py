"""One HTTP exchange: verified TLS, explicit timeouts, no redirects, no cookies, no credentials from `.netrc`.

Proxies (`HTTPS_PROXY`, `NO_PROXY`) and certificate bundles (`REQUESTS_CA_BUNDLE`) of the environment are
honoured, except that requests to loopback never go through a proxy.
"""

from collections.abc import Container, Mapping
from datetime import UTC, datetime, timedelta
from http.client import CONTINUE, SWITCHING_PROTOCOLS, HTTPException, HTTPResponse
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar
from urllib3.connection import HTTPConnection, HTTPSConnection

from billing_pipeline.acronis.body import BodyError, content
from billing_pipeline.acronis.failures import connection_error, failure, http_date, shortened
from billing_pipeline.acronis.redaction import Redactor
from billing_pipeline.loopback import proxies_for

CONNECT_TIMEOUT_SECONDS = 10.0
READ_TIMEOUT_SECONDS = 60.0
"""Longest silence of the server within an exchange."""

MAX_ERROR_BYTES = 64 * 1024
"""Limit for the body of an error."""
_ERROR_SECONDS = 10.0

USER_AGENT = "billing-pipeline"
_JSON = {"Accept": "application/json", "Accept-Encoding": "identity"}


class Transport:
    """Sends one request and returns the response with its body unread. Thread-safe.

    Args:
        base_url: the data-centre URL with `/api/2` at its end.
        credentials: id and secret of the API client.
        redact: removes secrets from messages.
        timeouts: seconds until the connection must be established, and of silence within an exchange.

    Attributes:
        clock_difference: local clock minus the server's, by the latest response; None if that had no
            readable `Date`.
    """

    def __init__(
        self, base_url: str, credentials: tuple[str, str], redact: Redactor, timeouts: tuple[float, float]
    ) -> None:
        self._redact = redact
        self._base_url = base_url
        self._credentials = credentials
        self._timeouts = timeouts
        self.clock_difference: timedelta | None = None
        self._proxies = proxies_for(base_url)
        self._session = requests.Session()
        self._session.mount("http://", _Adapter())
        self._session.mount("https://", _Adapter())
        self._session.headers["User-Agent"] = USER_AGENT
        self._session.cookies = RequestsCookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))

    def send(
        self,
        method: str,
        path: str,
        *,
        token: str | None,
        # The API's schema and its tutorial differ in which success a call returns.
        successes: Container[int] = range(200, 300),
        headers: Mapping[str, str] = _JSON,
        **body: Any,
    ) -> requests.Response:
        """Send a request and return its successful response. The caller closes it.

        Without a token, the client's id and secret are sent. The `body` is as in `requests.request`.

        Raises:
            ApiUnavailableError: no response, or one that may differ later; with `outcome_unknown` the API
                may have executed the request.
            ApiError: the request was refused, or retrying is pointless (certificate, proxy or URL is wrong).
        """
        call = f"{method} {shortened(path)}"

        def bearer(request: requests.PreparedRequest) -> requests.PreparedRequest:
            # Passed as `auth`, so that a `.netrc` never replaces it.
            request.headers["Authorization"] = f"Bearer {token}"
            return request

        try:
            response = self._session.request(
                method,
                self._base_url + path,
                auth=bearer if token else self._credentials,
                headers=headers,
                timeout=self._timeouts,
                proxies=self._proxies,
                # Takes precedence over the session's; the environment can only name another bundle.
                verify=True,
                allow_redirects=False,
                stream=True,
                **body,
            )
        except (urllib3.exceptions.HTTPError, HTTPException, OSError, ValueError) as error:
            raise connection_error(call, self._base_url, error) from None
        server_time = http_date(response.headers.get("Date", ""))
        self.clock_difference = None if server_time is None else datetime.now(UTC) - server_time
        status = response.status_code
        if status in successes:
            return response
        with response:
            try:
                seen = b"".join(content(response, max_bytes=MAX_ERROR_BYTES, deadline_seconds=_ERROR_SECONDS))
            except (BodyError, HTTPException):
                seen = b""
        raise failure(call, status, response.headers, seen, self._redact, at_token=token is None)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()


class _FinalResponse(HTTPResponse):
    """Passes over interim responses such as 103; `http.client` does so only for 100."""

    def _read_status(self) -> tuple[str, int, str]:
        version, status, reason = super()._read_status()  # type: ignore[misc]
        return version, CONTINUE if SWITCHING_PROTOCOLS < status < 200 else status, reason


class _HttpConnection(HTTPConnection):
    response_class = _FinalResponse


class _HttpsConnection(HTTPSConnection):
    response_class = _FinalResponse


class _Adapter(HTTPAdapter):
    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **options)
        # Others, such as that of a SOCKS proxy, stay.
        ours = {HTTPConnection: _HttpConnection, HTTPSConnection: _HttpsConnection}
        pool.ConnectionCls = ours.get(pool.ConnectionCls, pool.ConnectionCls)
        return pool
