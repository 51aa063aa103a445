"""The catalogue's database: its connection string, whose password is never shown, and the lake's lock."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Self

import psycopg2
from psycopg2.extensions import make_dsn, parse_dsn
from pydantic import SecretStr

from billing_pipeline.errors import SettingsError, WarehouseError
from billing_pipeline.settings import PipelineSettings

_SYNTAX = (
    "is not a libpq connection string: name=value pairs, a value with blanks in single quotes, or a "
    "postgresql:// URL, in which / ? # [ ] @ : % of a password are written as %2F and so on"
)
# Keepalives that detect a lost host within a minute, unless the connection string overrides them.
_TIMEOUTS = {
    "connect_timeout": "10",
    "keepalives_idle": "20",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}
# Arbitrary, but not used by another program in this database.
_ADVISORY_LOCK = 0x42696C6C696E67
_MAX_WAIT_SECONDS = 3600
_SECONDS_BETWEEN_ATTEMPTS = 0.25


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Connection parameters of the PostgreSQL database with the lake's catalogue.

    Args:
        parameters: libpq's, such as host, port, user, dbname and sslmode; all but the password.
        password: None if it is in a passfile.
    """

    parameters: Mapping[str, str]
    password: SecretStr | None = None

    @classmethod
    def parse(cls, connection_string: str, default_password: SecretStr | None = None) -> Self:
        """Read `host=… dbname=…` or a `postgresql://` URL.

        Args:
            connection_string: as libpq reads it.
            default_password: for a connection string without one.

        Raises:
            SettingsError: it is neither. Its text is not quoted, because it may contain a password.
        """
        try:
            found = {name: value for name, value in parse_dsn(connection_string).items() if value}
        except psycopg2.ProgrammingError as error:
            raise _bad(_unknown_option(str(error), connection_string) or _SYNTAX) from None
        if not found:
            raise _bad("has no parameter, such as host=db.example dbname=lake")
        if "sslpassword" in found:
            # DuckDB accepts the password separately from the connection string, but not this one.
            raise _bad("has an sslpassword, which SQL on the lake would show: use a key without one")
        misread = any("@" in found.get(name, "") for name in ("host", "dbname"))
        if misread or not found.get("port", "0").replace(",", "").isdecimal():
            # Part of a password with an unescaped / or @; libpq would quote it in its messages.
            raise _bad(_SYNTAX)
        password = found.pop("password", None)
        return cls(found, SecretStr(password) if password else default_password)

    @property
    def location(self) -> str:
        """The database, for messages."""
        database = self.parameters.get("dbname", "named like its user")
        host = self.parameters.get("host", "this machine")
        port = self.parameters.get("port")
        return f"the PostgreSQL database {database} on {host}{f' port {port}' if port else ''}"

    @property
    def dsn(self) -> str:
        """The connection string without the password, with timeouts."""
        timeouts = dict(_TIMEOUTS)
        if "PGCONNECT_TIMEOUT" in os.environ:
            del timeouts["connect_timeout"]
        return str(make_dsn(**{**timeouts, **self.parameters}))

    @contextmanager
    def locked(self) -> Iterator[Callable[[], object]]:
        """Hold the lake's lock: a PostgreSQL advisory lock in a separate session.

        Yields:
            A function that raises if the session, and with it the lock, was lost. Called just before COMMIT,
            it prevents publication after another loader may have acquired the lock.

        Raises:
            psycopg2.OperationalError: the database cannot be reached, rejects the user, or went away.
            WarehouseError: others have held the lock for an hour.
        """
        secret = {"password": self.password.get_secret_value()} if self.password else {}
        with closing(psycopg2.connect(self.dsn, **secret)) as session, session.cursor() as cursor:
            session.autocommit = True
            deadline = time.monotonic() + _MAX_WAIT_SECONDS
            # Polled, because signals cannot interrupt a wait inside libpq.
            while True:
                cursor.execute(f"SELECT pg_try_advisory_lock({_ADVISORY_LOCK})")
                if cursor.fetchone() == (True,):
                    break
                if time.monotonic() > deadline:
                    raise WarehouseError(
                        "other changes of the lake have held its lock for an hour",
                        todo="See who holds the advisory lock in the database (pg_locks), and run again.",
                    )
                time.sleep(_SECONDS_BETWEEN_ATTEMPTS)
            yield lambda: cursor.execute("SELECT 1")


def _unknown_option(message: str, connection_string: str) -> str | None:
    """Names an option that libpq does not know, unless it may be the rest of a password with a blank."""
    _, sign, rest = message.strip().partition('invalid connection option "')
    option = rest.removesuffix('"')
    before_password, _, _ = connection_string.partition("password")
    return f'invalid connection option "{option}"' if sign and option in before_password else None


def _bad(problem: str) -> SettingsError:
    return SettingsError(
        f"BILLING_WAREHOUSE ({PipelineSettings.model_fields['warehouse'].description}): {problem}",
        todo="Set it in the environment or in .env (docs/lake.md explains the settings of a lake).",
    )
