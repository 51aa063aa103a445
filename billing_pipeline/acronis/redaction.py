"""Redaction of the client secret and access tokens in every text that leaves the client."""

import base64
import html
import json
import re
from urllib.parse import quote, quote_plus

from billing_pipeline.errors import printable_line

REDACTED = "[redacted]"
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9+/=_.~-]{8,}")
_JWT = re.compile(r"\beyJ[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*){1,2}")
_PERCENT = re.compile("%[0-9A-F]{2}")


class Redactor:
    """Replaces secrets, also where the API echoes them or a proxy re-encodes them."""

    def __init__(self, client_id: str, client_secret: str) -> None:
        basic = _base64(f"{client_id}:{client_secret}")
        credentials = (client_secret, *_base64(client_secret), *basic) if client_secret else ()
        self._secrets = frozenset[str]().union(*map(_forms, credentials))

    def remember_token(self, token: str) -> None:
        """Redact this access token from now on. One thread at a time may call this."""
        self._secrets |= _forms(token)

    def __call__(self, text: str) -> str:
        """`text` without secrets."""
        # Longest first: a secret may be part of another form of itself.
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, REDACTED)
        return _JWT.sub(REDACTED, _BEARER.sub(rf"\1 {REDACTED}", text))

    def short(self, text: str, length: int = 200) -> str:
        """One printable line of at most `length` characters without secrets.

        Redacted before it is cut: half a secret would not be recognised.
        """
        line = printable_line(self(text))
        return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def _forms(secret: str) -> set[str]:
    """The secret as it is, and as JSON, URLs and HTML write it."""
    in_json, in_url, in_html = json.dumps(secret)[1:-1], quote(secret, safe=""), html.escape(secret)
    units = memoryview(secret.encode("utf-16-le")).cast("H")
    return {
        *(secret, in_json, in_url, in_html, quote(secret), quote_plus(secret), quote(in_url)),
        _PERCENT.sub(lambda digits: digits[0].lower(), in_url),
        # Some writers escape slashes, or whatever HTML may interpret.
        in_json.replace("/", r"\/"),
        in_json.translate({ord(c): f"\\u{ord(c):04x}" for c in "<>&"}),
        in_html.replace("/", "&#047;"),
        *("".join(map(escape.format, units)) for escape in (r"\u{:04x}", r"\u{:04X}")),
        *("".join(map(escape.format, map(ord, secret))) for escape in ("&#{};", "&#x{:x};", "&#x{:X};")),
    }


def _base64(text: str) -> tuple[str, str]:
    encoded = base64.b64encode(text.encode()).decode()
    return encoded, encoded.rstrip("=")
