"""Attempts that wait for the next change of the file: recording a failure must not copy the warehouse.

Each attempt is a file in a folder beside the warehouse. Readers see its rows in temporary tables, which hide
the tables of the same name, also from the views. The next change adds the rows to the tables.
"""

import json
import secrets
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import duckdb

from billing_pipeline.files import atomic_write
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.warehouse.history import LoadAttempt, append, history_rows

_TABLES: tuple[Literal["load_history", "load_checks"], ...] = ("load_history", "load_checks")


class PendingAttempts:
    """The attempts in a folder.

    Args:
        folder: made when the first attempt is added.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, attempt: LoadAttempt) -> None:
        """Keep an attempt until the next change.

        Raises:
            DataFolderError: it cannot be written.
        """
        pending = {
            "period": attempt.period.key,
            "account": attempt.account,
            "at": datetime.now(UTC).isoformat(),
            "rows": history_rows(attempt),
        }
        with atomic_write(self._folder / f"{time.time_ns():020d}-{secrets.token_hex(4)}.json") as file:
            file.write(json.dumps(pending, ensure_ascii=False, default=str).encode())

    def read(self) -> dict[Path, dict[str, Any]]:
        """The attempts by file, oldest first. A reader calls this before it opens the warehouse.

        An attempt that a change takes over in between is then in the warehouse already.
        """
        found = {}
        for path in sorted(self._folder.glob("*.json")):
            try:
                found[path] = json.loads(path.read_bytes())
            except OSError:
                continue
        return found

    @staticmethod
    def show(connection: duckdb.DuckDBPyConnection, attempts: Sequence[dict[str, Any]]) -> None:
        """Let a read-only connection see attempts as if they were in the tables."""
        if attempts:
            for table in _TABLES:
                connection.execute(f"CREATE TEMP TABLE {table} AS FROM {table}")
            PendingAttempts.insert(connection, attempts)

    @staticmethod
    def insert(connection: duckdb.DuckDBPyConnection, attempts: Sequence[dict[str, Any]]) -> None:
        """Add attempts to the tables, except those that a change added before it was killed."""
        for attempt in attempts:
            period, at = BillingPeriod.parse(attempt["period"]), datetime.fromisoformat(attempt["at"])
            is_there = connection.execute(
                "FROM load_history WHERE billing_period = ? AND account = ? AND recorded_at = ?",
                [period.start, attempt["account"], at],
            ).fetchone()
            if not is_there:
                for table in _TABLES:
                    append(connection, table, period, attempt["rows"][table], now=at)
