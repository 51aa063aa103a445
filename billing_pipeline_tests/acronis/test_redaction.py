"""Redaction: no secret appears in any text."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing_pipeline.acronis.redaction import REDACTED, Redactor

SECRET = 'p@ss/w+rd="<&>'
TOKEN = "opaque.access-token_0123456789"


@pytest.fixture
def redact() -> Redactor:
    redactor = Redactor("client", SECRET)
    redactor.remember_token(TOKEN)
    return redactor


@pytest.mark.parametrize(
    "echo",
    [
        SECRET,
        quote_plus(SECRET),
        json.dumps(SECRET),
        base64.b64encode(f"client:{SECRET}".encode()).decode(),
        f"Authorization: Bearer {TOKEN}",
        "Bearer some-token-we-have-never-seen",
        "Basic Y2xpZW50OnNlY3JldA==",
        "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl",
    ],
)
def test_redactor__encoded_secret__is_redacted(redact: Redactor, echo: str) -> None:
    redacted = redact.short(f"you sent {echo}, and it is wrong")
    assert REDACTED in redacted
    for part in (SECRET, TOKEN, echo.rsplit(maxsplit=1)[-1]):
        assert part not in redacted
    assert redacted.endswith("and it is wrong")


@pytest.mark.parametrize(
    "written",
    [
        lambda secret: json.dumps(secret).replace("/", r"\/"),
        lambda secret: "".join(f"\\u{unit:04X}" for unit in memoryview(secret.encode("utf-16-le")).cast("H")),
        quote,
        lambda secret: quote(secret, safe="").lower(),
        lambda secret: quote(quote(secret, safe=""), safe=""),
        lambda secret: "".join(f"&#{ord(c)};" for c in secret),
        lambda secret: "".join(f"&#x{ord(c):X};" for c in secret),
        lambda secret: html.escape(secret).replace("/", "&#047;"),
    ],
)
@pytest.mark.parametrize("secret", ["zk3/xq9/lmn+7/abc=", 'p@ss/w+rd="<&>', "b\\a\tc \u00fc\U0001f600"])
def test_redactor__escaped_secret__is_redacted(written: Callable[[str], str], secret: str) -> None:
    redacted = Redactor("client", secret)(f'{{"message":"unknown secret <{written(secret)}>"}}')
    assert redacted.replace('"', "").replace("\\", "") == "{message:unknown secret <" + REDACTED + ">}"


@given(st.text(max_size=300), st.text(max_size=300), st.integers(1, 400))
def test_short__cut_within_secret__leaves_no_piece(before: str, after: str, length: int) -> None:
    redactor = Redactor("client", SECRET)
    redactor.remember_token(TOKEN)
    redacted = redactor.short(before + TOKEN + SECRET + after, length)
    assert len(redacted) <= length
    if TOKEN not in before + after:
        assert TOKEN[:12] not in redacted or TOKEN[:12] in before + after


def test_short__control_characters__one_printable_line(redact: Redactor) -> None:
    assert redact.short("one\n\ttwo\x1b[31m three\x00") == "one two [31m three"
