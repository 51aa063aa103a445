"""Secrets do not get into any text."""

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
def test_every_way_of_writing_a_secret_is_covered(redact: Redactor, echo: str) -> None:
    told = redact.short(f"you sent {echo}, and it is wrong")
    assert REDACTED in told
    for part in (SECRET, TOKEN, echo.rsplit(maxsplit=1)[-1]):
        assert part not in told
    assert told.endswith("and it is wrong")


@pytest.mark.parametrize(
    "written",
    [
        lambda secret: json.dumps(secret).replace("/", r"\/"),
        lambda secret: json.dumps(json.dumps(secret).replace("/", r"\/")),
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
def test_no_escaping_hides_a_secret(written: Callable[[str], str], secret: str) -> None:
    told = Redactor("client", secret)(f'{{"message":"unknown secret <{written(secret)}>"}}')
    assert told.replace('"', "").replace("\\", "") == "{message:unknown secret <" + REDACTED + ">}"


@given(st.text(max_size=300), st.text(max_size=300), st.integers(1, 400))
def test_no_cut_leaves_a_piece_of_a_secret(before: str, after: str, length: int) -> None:
    redactor = Redactor("client", SECRET)
    redactor.remember_token(TOKEN)
    told = redactor.short(before + TOKEN + SECRET + after, length)
    assert len(told) <= length
    if TOKEN not in before + after:
        assert TOKEN[:12] not in told or TOKEN[:12] in before + after


def test_a_text_becomes_one_printable_line(redact: Redactor) -> None:
    assert redact.short("one\n\ttwo\x1b[31m three\x00") == "one two [31m three"
