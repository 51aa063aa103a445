"""Keeping the client secret and the tokens out of every text that leaves the client."""

from __future__ import annotations

import base64
import html
import json
import re
import threading
from collections import deque
from urllib.parse import quote, quote_plus

REDACTED = "[redacted]"
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9+/=_.~-]{8,}")
_JWT = re.compile(r"\beyJ[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*){1,2}")
_SPACES = re.compile(r"\s+")
_TOKENS_REMEMBERED = 50


class Redactor:
    """Replaces what is secret, also where the API echoes it or a proxy re-encodes it."""

    def __init__(self, client_id: str, client_secret: str) -> None:
        self._lock = threading.Lock()
        self._fixed = _forms(client_secret) | _forms(f"{client_id}:{client_secret}")
        self._tokens: deque[frozenset[str]] = deque(maxlen=_TOKENS_REMEMBERED)

    def remember_token(self, token: str) -> None:
        """Redact this access token from now on."""
        with self._lock:
            self._tokens.append(frozenset(_forms(token)))

    def __call__(self, text: str) -> str:
        """`text` without secrets."""
        with self._lock:
            secrets = self._fixed.union(*self._tokens)
        # Longest first: a secret may be part of another form of itself.
        for secret in sorted(secrets, key=len, reverse=True):
            text = text.replace(secret, REDACTED)
        return _JWT.sub(REDACTED, _BEARER.sub(rf"\1 {REDACTED}", text))

    def short(self, text: str, length: int = 200) -> str:
        """One printable line of at most `length` characters without secrets.

        Redacted before it is cut: half a secret would not be recognised.
        """
        line = _SPACES.sub(" ", "".join(c if c.isprintable() else " " for c in self(text))).strip()
        return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def _forms(secret: str) -> set[str]:
    """The secret as it is and as forms, URLs, JSON, HTML and Basic authorization write it."""
    if not secret:
        return set()
    encoded = base64.b64encode(secret.encode()).decode()
    return {
        secret,
        quote(secret, safe=""),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        html.escape(secret),
        encoded,
        encoded.rstrip("="),
    }
