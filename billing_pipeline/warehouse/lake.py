"""A lake: tables as Parquet files that several machines share, and a PostgreSQL database that knows them.

Readers keep the snapshot that they began with. Changes run side by side; DuckLake lets the first one of
two that meet commit, and the other is done again. What is done again runs alone, so that it ends.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import duckdb
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    wait_random_exponential,
)

from billing_pipeline.connection_string import ConnectionString
from billing_pipeline.errors import WarehouseError
from billing_pipeline.settings import LakeSettings
from billing_pipeline.sql_files import quote_literal, read_sql
from billing_pipeline.warehouse.lake_connection import LakeConnections, is_conflict
from billing_pipeline.warehouse.lake_query import refuse_more_than_a_question
from billing_pipeline.warehouse.schema import create_schema, is_current
from billing_pipeline.warehouse.warehouse import PUBLISHED, Result

_log = logging.getLogger(__name__)

_ATTEMPTS = 8
_SECONDS_OF_FIRST_WAIT = 0.5
_LONGEST_WAIT_SECONDS = 30
_SECONDS_TO_WAIT_FOR_OTHERS = 3600
# A wait inside the database cannot be interrupted, so it is cut into short ones.
_SECONDS_OF_ONE_WAIT = 5
# Any number that no other program locks in this database.
_TURN = 0x42696C6C696E67


class Lake:
    """DuckLake on PostgreSQL.

    Args:
        catalogue: the PostgreSQL database.
        settings: keys, passwords, and where the files lie.
        data_dir: the data folder of this machine.
    """

    def __init__(self, catalogue: ConnectionString, settings: LakeSettings, data_dir: Path) -> None:
        self._connections = LakeConnections(catalogue, settings, data_dir)

    @property
    def place(self) -> str:
        """The catalogue's database, and where the files lie."""
        return f"{self._connections.catalogue.place}, with files in {self._connections.data_path}"

    def exists(self) -> bool:
        """Whether anything has ever been published."""
        with self._connections.open() as connection:
            return self._is_there(connection)

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection that reads one snapshot, and changes nothing."""
        with self._connections.open() as connection:
            if not self._is_there(connection):
                raise WarehouseError(
                    f"there is nothing in the lake yet: {self.place}",
                    todo="Load a period first: billing-pipeline run.",
                )
            # One snapshot for all statements: what is read together belongs together.
            connection.execute("USE warehouse; BEGIN TRANSACTION READ ONLY")
            yield connection

    def change(
        self, subject: str, action: str, work: Callable[[duckdb.DuckDBPyConnection], Result]
    ) -> Result:
        """Work in one transaction, done again when it meets another one."""
        return self._again_and_again(subject, lambda alone: self._change(subject, action, work, alone=alone))

    def confine(self, connection: duckdb.DuckDBPyConnection, query: str) -> None:
        """The lake is attached read-only; files are read from its folder only, and written nowhere."""
        refuse_more_than_a_question(connection, query)
        connection.execute(f"SET allowed_directories = [{quote_literal(self._connections.data_path)}]")
        connection.execute("SET enable_external_access = false; SET lock_configuration = true")

    def maintain(self, *, keep_days: int, grace_hours: int) -> str:
        """Expire snapshots, merge small files, and remove files that nobody needs."""
        return self._again_and_again("maintenance", lambda _: self._maintain(keep_days, grace_hours))

    def _maintain(self, keep_days: int, grace_hours: int) -> str:
        with self._connections.open() as connection, self._turn(connection, alone=True):
            if not self._connections.attach_if_there(connection, "warehouse"):
                return f"There is nothing in the lake yet: {self.place}."
            kept, grace = f"now() - INTERVAL {keep_days} DAY", f"now() - INTERVAL {grace_hours} HOUR"
            steps = {
                "expired": f"ducklake_expire_snapshots('warehouse', older_than => {kept})",
                "merged": "ducklake_merge_adjacent_files('warehouse')",
                "rewritten": "ducklake_rewrite_data_files('warehouse')",
                "removed": f"ducklake_cleanup_old_files('warehouse', older_than => {grace})",
                "orphaned": f"ducklake_delete_orphaned_files('warehouse', older_than => {grace})",
            }
            self._refuse_orphans_of_others(connection)
            done = {name: connection.execute(f"CALL {call}").fetchall() for name, call in steps.items()}
        merged = sum(row[2] for row in done["merged"])
        rewritten = sum(row[2] for row in done["rewritten"])
        return (
            f"{len(done['expired']):,} snapshots expired, {merged:,} files merged, {rewritten:,} rewritten, "
            f"{len(done['removed']) + len(done['orphaned']):,} files removed that nothing refers to."
        )

    def _is_there(self, connection: duckdb.DuckDBPyConnection) -> bool:
        """Attach the lake read-only, if there is one and its tables are made."""
        if not self._connections.attach_if_there(connection, "warehouse", "READ_ONLY"):
            return False
        if not _has_table(connection, "schema_version"):
            return False
        # Its one row is written when the tables and views are made.
        return connection.execute("FROM warehouse.schema_version").fetchone() is not None

    def _again_and_again(self, subject: str, work: Callable[[bool], Result]) -> Result:
        """Work until it meets no other change; from the second time on alone, which `work` is told."""
        with self._given_up(subject):
            for attempt in self._attempts(subject):
                with attempt:
                    return work(attempt.retry_state.attempt_number > 1)
        raise AssertionError  # the last attempt has raised its error

    def _attempts(self, subject: str) -> Retrying:
        def tell(state: RetryCallState) -> None:
            wait = state.next_action.sleep if state.next_action else 0
            _log.info(
                "%s: another change of the lake came first; done again in %.1f s (attempt %d)",
                subject,
                wait,
                state.attempt_number + 1,
            )

        return Retrying(
            retry=retry_if_exception(is_conflict),
            stop=stop_after_attempt(_ATTEMPTS),
            wait=wait_random_exponential(multiplier=_SECONDS_OF_FIRST_WAIT, max=_LONGEST_WAIT_SECONDS),
            before_sleep=tell,
            reraise=True,
        )

    @contextmanager
    def _given_up(self, subject: str) -> Iterator[None]:
        try:
            yield
        except duckdb.Error as error:
            if not is_conflict(error):
                raise
            told = self._connections.redacted(" ".join(str(error).split()))
            raise WarehouseError(
                f"{subject} was tried {_ATTEMPTS} times, and each time another change of the lake came "
                f"first: {told}",
                todo="Nothing was changed. Run again, and see whether a program other than this one writes "
                "to the lake.",
            ) from None

    def _change(
        self,
        subject: str,
        action: str,
        work: Callable[[duckdb.DuckDBPyConnection], Result],
        *,
        alone: bool,
    ) -> Result:
        with self._connections.open() as connection:
            attached = self._connections.attach_if_there(connection, "warehouse")
            if not attached or not _is_current(connection):
                self._create(connection, attached=attached)
            with self._turn(connection, alone=alone), _transaction(connection):
                (snapshot,) = connection.execute(
                    "FROM ducklake_current_snapshot('warehouse')"
                ).fetchone() or (None,)
                self._connections.attach(connection, PUBLISHED, "READ_ONLY", f"SNAPSHOT_VERSION {snapshot}")
                # See lake.sql: of two changes of one subject at once, DuckLake lets only one commit this.
                connection.execute(
                    f'CREATE OR REPLACE VIEW last_change."{subject}" AS'
                    f" SELECT {quote_literal(uuid4())} AS change"
                )
                result = work(connection)
                connection.execute(
                    "CALL ducklake_set_commit_message('warehouse', 'billing-pipeline', "
                    f"{quote_literal(f'{subject} {action}')})"
                )
            return result

    def _create(self, connection: duckdb.DuckDBPyConnection, *, attached: bool) -> None:
        """Make the lake, or renew its views; alone, so that several workers may start at once."""
        with self._turn(connection, alone=True):
            # Attached twice under one name, DuckLake 1.0 brings the process down.
            if not attached and not self._connections.attach_if_there(connection, "warehouse"):
                self._refuse_files_of_others(connection)
                self._connections.attach(connection, "warehouse")
            connection.execute("USE warehouse")
            if not _is_begun(connection):
                for file in ("schema/usage.sql", "lake.sql"):
                    with _transaction(connection):
                        connection.execute(read_sql(f"warehouse/{file}"))
            create_schema(connection)

    def _refuse_files_of_others(self, connection: duckdb.DuckDBPyConnection) -> None:
        """A folder belongs to one lake: maintenance removes what the catalogue does not know of."""
        path = self._connections.data_path
        (files,) = connection.execute(
            f"SELECT count(*) FROM glob({quote_literal(path + '**')})"
        ).fetchone() or (0,)
        if files:
            raise WarehouseError(
                f"{path} holds {files:,} files, of which {self._connections.catalogue.place} knows nothing",
                todo="Give a new lake a folder of its own (BILLING_LAKE_DATA), or correct dbname in "
                "BILLING_WAREHOUSE.",
            )

    def _refuse_orphans_of_others(self, connection: duckdb.DuckDBPyConnection) -> None:
        """DuckLake removes every Parquet file below its folder that it does not know, another lake's too."""
        orphans = connection.execute(
            "SELECT path"
            " FROM ducklake_delete_orphaned_files('warehouse', dry_run => true, cleanup_all => true)"
            " WHERE NOT starts_with(path, $own) ORDER BY path",
            {"own": f"{self._connections.data_path}main/"},
        ).fetchall()
        if orphans:
            raise WarehouseError(
                f"{len(orphans):,} files below the lake's folder are not the lake's: {orphans[0][0]} for one",
                todo="Nothing was removed. Move them away; another lake needs a folder beside this one.",
            )

    @contextmanager
    def _turn(self, connection: duckdb.DuckDBPyConnection, *, alone: bool) -> Iterator[None]:
        """Changes run side by side, or one of them alone; it is the database that keeps the order.

        This saves work, no more: should the lock be lost, conflicts still keep changes apart.
        """
        kind = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
        lock = (
            f"SELECT set_config(''lock_timeout'', ''{_SECONDS_OF_ONE_WAIT}s'', true), {kind}({_TURN})::text"
        )
        with connection.cursor() as turns:
            self._connections.attach_database(turns, "turns")
            deadline = time.monotonic() + _SECONDS_TO_WAIT_FOR_OTHERS
            while True:
                turns.execute("BEGIN")
                try:
                    turns.execute(f"FROM postgres_query('turns', '{lock}')").fetchall()
                    break
                except duckdb.Error as error:
                    turns.execute("ROLLBACK")
                    if "lock timeout" not in str(error):
                        raise
                    if time.monotonic() > deadline:
                        raise WarehouseError(
                            "other changes of the lake have kept this one waiting for an hour",
                            todo="See what holds the advisory lock in the database (pg_locks); run again.",
                        ) from None
            try:
                yield
            finally:
                with suppress(duckdb.Error):
                    turns.execute("ROLLBACK")
                with suppress(duckdb.Error):
                    turns.execute("DETACH turns")


def _is_current(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether this very version has made the lake's tables and views."""
    connection.execute("USE warehouse")
    return _has_table(connection, "schema_version") and is_current(connection)


@contextmanager
def _transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    connection.execute("BEGIN")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # Which also removes the files that the transaction has written.
        with suppress(duckdb.Error):
            connection.execute("ROLLBACK")
        raise


def _is_begun(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the last thing of `lake.sql` was done, and so all of it."""
    found = connection.execute(
        "FROM duckdb_schemas() WHERE database_name = 'warehouse' AND schema_name = 'last_change'"
    ).fetchone()
    return found is not None


def _has_table(connection: duckdb.DuckDBPyConnection, name: str) -> bool:
    found = connection.execute(
        f"FROM duckdb_tables() WHERE database_name = 'warehouse' AND table_name = {quote_literal(name)}"
    ).fetchone()
    return found is not None
