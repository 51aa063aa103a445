"""Redaction of the client secret and access tokens in every text that leaves the client."""

from __future__ import annotations

import base64
import html
import json
import re
import threading
from collections import deque
from functools import cached_property
from urllib.parse import quote, quote_plus

REDACTED = "[redacted]"
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9+/=_.~-]{8,}")
_JWT = re.compile(r"\beyJ[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*){1,2}")
_SPACES = re.compile(r"\s+")
_TOKENS_REMEMBERED = 50
_SHORT_ESCAPES = {"\t": "t", "\n": "n", "\r": "r", "\b": "b", "\f": "f"}


class Redactor:
    """Replaces secrets, also where the API echoes them or a proxy re-encodes them."""

    def __init__(self, client_id: str, client_secret: str) -> None:
        self._lock = threading.Lock()
        self._credentials = (client_secret, f"{client_id}:{client_secret}") if client_secret else ()
        self._tokens: deque[frozenset[str]] = deque(maxlen=_TOKENS_REMEMBERED)

    def remember_token(self, token: str) -> None:
        """Redact this access token from now on."""
        with self._lock:
            self._tokens.append(frozenset(_forms(token)))

    def __call__(self, text: str) -> str:
        """`text` without secrets."""
        with self._lock:
            secrets = set[str]().union(*self._tokens)
        text = self._escaped.sub(REDACTED, text)
        # Longest first: a secret may be part of another form of itself.
        for secret in sorted(secrets, key=len, reverse=True):
            text = text.replace(secret, REDACTED)
        return _JWT.sub(REDACTED, _BEARER.sub(rf"\1 {REDACTED}", text))

    @cached_property
    def _escaped(self) -> re.Pattern[str]:
        """The credentials, however JSON, URLs, HTML and Basic authorization write each character."""
        forms = {form for secret in self._credentials for form in (secret, *_base64(secret))}
        # Longest first: a secret may be part of another form of itself.
        ordered = sorted(forms, key=len, reverse=True)
        return re.compile("|".join("".join(map(_character, form)) for form in ordered) or r"(?!)")

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
    in_json = json.dumps(secret)[1:-1]
    return {
        secret,
        quote(secret, safe=""),
        quote_plus(secret),
        in_json,
        in_json.replace("/", r"\/"),
        html.escape(secret),
        *_base64(secret),
    }


def _base64(secret: str) -> tuple[str, str]:
    encoded = base64.b64encode(secret.encode()).decode()
    return encoded, encoded.rstrip("=")


def _character(character: str) -> str:
    """A pattern of a character as it is, escaped in JSON (also within JSON), in a URL, or in HTML."""
    units = character.encode("utf-16-be")
    in_json = "".join(rf"\\{{1,4}}u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
    in_url = "".join(f"%(?:25)?{byte:02x}" for byte in character.encode())
    code = ord(character)
    forms = [rf"\\{{0,4}}{re.escape(character)}", rf"(?i:{in_json}|{in_url}|&#0*{code};|&#x0*{code:x};)"]
    if (named := html.escape(character)) != character:
        forms.append(re.escape(named))
    if character in _SHORT_ESCAPES:
        forms.append(rf"\\{{1,4}}{_SHORT_ESCAPES[character]}")
    if character == " ":
        forms.append(r"\+")
    return f"(?:{'|'.join(forms)})"
