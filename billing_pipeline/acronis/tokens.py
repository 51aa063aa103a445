"""Cache of the access token: shared by all threads, renewed before it expires."""

import threading
import time
from collections.abc import Callable

from billing_pipeline.acronis.models import Token

DOCUMENTED_LIFETIME_SECONDS = 7200.0
RENEW_BEFORE_SECONDS = 300.0


class TokenCache:
    """Thread-safe cache of one access token.

    Args:
        fetch: requests a new token from the API.
    """

    def __init__(self, fetch: Callable[[], Token]) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        self._token = ""
        self._renew_at = 0.0

    def get(self, *, rejected: str | None = None) -> str:
        """A token that does not expire soon; concurrent callers share one renewal.

        Args:
            rejected: the token that the API rejected, so that another one is needed.
        """
        with self._lock:
            if self._token in {"", rejected} or time.monotonic() >= self._renew_at:
                requested_at = time.monotonic()
                token = self._fetch()
                lifetime = _lifetime(token)
                self._token = token.access_token
                self._renew_at = requested_at + lifetime - min(RENEW_BEFORE_SECONDS, lifetime / 10)
            return self._token


def _lifetime(token: Token) -> float:
    """Seconds until the token expires.

    With a wrong local clock `expires_on` may be in the past. The documented two hours are then assumed; if
    that is too long, a 401 triggers the renewal.
    """
    lifetime = token.expires_in or (token.expires_on or 0.0) - time.time()
    return min(lifetime, DOCUMENTED_LIFETIME_SECONDS) if lifetime > 0 else DOCUMENTED_LIFETIME_SECONDS
