"""How PostgreSQL is reached: a libpq connection string, taken apart so that its password is never told."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import SecretStr

_URL = ("postgresql://", "postgres://")
# name = value, the value bare or in single quotes, a backslash before a quote, a blank or a backslash.
_PARAMETER = re.compile(r"\s*(\w+)\s*=\s*('(?:[^'\\]|\\.)*'|(?:[^\s'\\]|\\.)*)(?=\s|$)", re.DOTALL)
_NOT_A_URL = (
    "is not a URL of one host: write %2F for a / in the password, and so on for ? # [ ] @ : %; "
    "write several hosts as host=a,b port=1,2 dbname=…"
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ConnectionString:
    """Parameters of libpq, such as host, port, user, dbname and sslmode.

    Args:
        parameters: all but the password.
    """

    parameters: Mapping[str, str]
    password: SecretStr | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read either form of libpq: `host=… dbname=…`, or a `postgresql://` URL.

        Raises:
            ValueError: it is neither; what was given is not repeated, because it may hold a password.
        """
        pairs = dict(_of_url(text) if text.startswith(_URL) else _of_pairs(text))
        if not pairs:
            raise ValueError("no parameter is given, such as host=db.example dbname=lake")
        if "sslpassword" in pairs:
            # DuckDB can be given a password apart, but not this one.
            raise ValueError("has an sslpassword, which SQL on the lake would show: use a key without one")
        password = pairs.pop("password", "")
        return cls(pairs, SecretStr(password) if password else None)

    def __str__(self) -> str:
        """As libpq reads it, without the password."""
        return " ".join(f"{name}={_quoted(value)}" for name, value in self.parameters.items())

    @property
    def place(self) -> str:
        """Which database it is, in words."""
        database = self.parameters.get("dbname", "of the user's name")
        host = self.parameters.get("host", "this machine")
        port = self.parameters.get("port")
        return f"the PostgreSQL database {database} on {host}{f' port {port}' if port else ''}"


def _of_pairs(text: str) -> Iterator[tuple[str, str]]:
    position = 0
    while text[position:].strip():
        found = _PARAMETER.match(text, position)
        if found is None:
            raise ValueError(
                "is not a libpq connection string: name=value, in single quotes if it has blanks"
            )
        name, value = found.groups()
        yield name, _ESCAPED.sub(r"\1", value[1:-1] if value.startswith("'") else value)
        position = found.end()


def _of_url(text: str) -> Iterator[tuple[str, str]]:
    try:
        parts = urlsplit(text)
        given = {
            "host": parts.hostname,
            "port": parts.port,
            "user": parts.username,
            "password": parts.password,
            "dbname": parts.path.removeprefix("/"),
        }
    except ValueError:
        raise ValueError(_NOT_A_URL) from None  # what Python says of it would quote the password
    if "@" in parts.path:  # of a password with a slash
        raise ValueError(_NOT_A_URL)
    for name, value in given.items():
        if value:
            yield name, unquote(str(value))
    # To libpq a plus sign is a plus sign.
    yield from parse_qsl(parts.query.replace("+", "%2B"))


def _quoted(value: str) -> str:
    if re.fullmatch(r"[\w.,:/@-]+", value):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
