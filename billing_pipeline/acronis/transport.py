"""One HTTP exchange: verified TLS, explicit timeouts, no redirects, no cookies, no credentials of others.

Proxies (`HTTPS_PROXY`, `NO_PROXY`) and certificate bundles (`REQUESTS_CA_BUNDLE`) of the environment count.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Mapping
from http.client import HTTPException
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from requests.cookies import RequestsCookieJar
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from billing_pipeline.acronis.failures import shortened
from billing_pipeline.acronis.no_answer import no_answer
from billing_pipeline.errors import ApiError

CONNECT_TIMEOUT_SECONDS = 10.0
READ_TIMEOUT_SECONDS = 60.0
"""Silence that ends an exchange; the answer's head must be complete in twice this time."""

USER_AGENT = "billing-pipeline"


class BearerAuth(AuthBase):
    """The access token. Given as `auth`, so that a `.netrc` never replaces it."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class _HeadDeadline:
    """Ends an answer's head that trickles in: each byte would start the socket's timeout afresh."""

    sock: Any
    timeout: Any

    def getresponse(self) -> Any:
        # By now urllib3 has put the read timeout here; the socket still has the one for connecting.
        watchdog = threading.Timer(2 * float(self.timeout), _shut, args=[self.sock])
        watchdog.daemon = True
        watchdog.start()
        try:
            return super().getresponse()  # type: ignore[misc]
        finally:
            watchdog.cancel()


def _shut(sock: Any) -> None:
    with contextlib.suppress(OSError, ValueError):  # closed already
        sock.shutdown(socket.SHUT_RDWR)


class _Http(_HeadDeadline, HTTPConnection):
    pass


class _Https(_HeadDeadline, HTTPSConnection):
    pass


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _Https


_POOLS = {"http": _HttpPool, "https": _HttpsPool}


class _VerifyingAdapter(HTTPAdapter):
    """Refuses to talk without verifying the certificate, whoever switched that off."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        if not proxy.lower().startswith("socks"):  # those have pools of their own
            manager.pool_classes_by_scheme = _POOLS
        return manager

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        if len(args) > 2 or kwargs.get("verify", True) in (False, None, ""):
            raise ApiError(
                "TLS verification was switched off; nothing was sent",
                todo="Give a certificate bundle in REQUESTS_CA_BUNDLE instead.",
            )
        return super().send(request, *args, **kwargs)


class Transport:
    """Sends one request and gives the answer with its body still to be read. Thread-safe.

    Args:
        base_url: the data-centre URL with `/api/2` at its end.
        connect_timeout: seconds until a connection must stand.
        read_timeout: seconds of silence that end an exchange.
    """

    def __init__(self, base_url: str, *, connect_timeout: float, read_timeout: float) -> None:
        self.base_url = base_url
        self._timeouts = (connect_timeout, read_timeout)
        self._session = requests.Session()
        self._session.headers["User-Agent"] = USER_AGENT
        self._session.cookies = RequestsCookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, _VerifyingAdapter())

    def send(
        self,
        method: str,
        path: str,
        *,
        auth: AuthBase | tuple[str, str],
        accept: str = "application/json",
        encodings: str = "identity",
        json: Mapping[str, Any] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send it; whatever status comes back is an answer. The caller closes the response.

        Raises:
            ApiUnavailableError: no answer; `may_have_acted` tells whether the API may have got the request.
            ApiError: no answer, and none to be expected (certificate, proxy or URL is wrong).
        """
        call = f"{method} {shortened(path)}"
        try:
            return self._session.request(
                method,
                self.base_url + path,
                auth=auth,
                headers={"Accept": accept, "Accept-Encoding": encodings},
                json=json,
                data=form,
                timeout=self._timeouts,
                allow_redirects=False,
                stream=True,
            )
        except requests.RequestException as error:
            raise no_answer(call, self.base_url, error) from None
        except (urllib3.exceptions.HTTPError, HTTPException, OSError, ValueError) as error:
            raise no_answer(call, self.base_url, error) from None

    def close(self) -> None:
        """Give the connections back."""
        self._session.close()
