"""All changes of a lake take turns: one PostgreSQL advisory lock, held for the length of a change."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import psycopg2.extensions

from billing_pipeline.errors import WarehouseError

# Any number that no other program locks in this database.
_ADVISORY_LOCK = 0x42696C6C696E67
_MAX_WAIT_SECONDS = 3600
_SECONDS_BETWEEN_ATTEMPTS = 0.25


@contextmanager
def advisory_lock(session: psycopg2.extensions.connection) -> Iterator[Callable[[], object]]:
    """Hold the lake's lock; the session is closed at the end, which releases the lock.

    Yields:
        A function that raises if the session, and with it the lock, was lost. Called just before COMMIT, it
        keeps a change whose lock another loader may have taken from being published.

    Raises:
        psycopg2.OperationalError: the database went away.
        WarehouseError: others have held the lock for an hour.
    """
    with closing(session):
        deadline = time.monotonic() + _MAX_WAIT_SECONDS
        # Polled, because a wait inside libpq cannot be interrupted by a signal.
        while not _first_value(session, f"SELECT pg_try_advisory_lock({_ADVISORY_LOCK})"):
            if time.monotonic() > deadline:
                raise WarehouseError(
                    "other changes of the lake have held its lock for an hour",
                    todo="See who holds the advisory lock in the database (pg_locks), and run again.",
                )
            time.sleep(_SECONDS_BETWEEN_ATTEMPTS)
        yield lambda: _first_value(session, "SELECT NULL")


def _first_value(session: psycopg2.extensions.connection, statement: str) -> object:
    with session.cursor() as cursor:
        cursor.execute(statement)
        (value,) = cursor.fetchone()
        return value
