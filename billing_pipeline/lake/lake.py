"""The lake: shared Parquet files, and a PostgreSQL database with their catalogue.

Readers have snapshot isolation. A PostgreSQL advisory lock serialises changes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from billing_pipeline.errors import WarehouseError
from billing_pipeline.lake.allowed_queries import refuse_unsafe_query
from billing_pipeline.lake.catalogue import Catalogue
from billing_pipeline.lake.connections import LakeConnections
from billing_pipeline.settings import LakeSettings
from billing_pipeline.sql_files import quote_literal, read_sql
from billing_pipeline.warehouse.schema import create_schema, is_current
from billing_pipeline.warehouse.warehouse import PUBLISHED, Result

# DuckDB treats the folder of a lake as a glob pattern.
_WILDCARD = re.compile(r"[*?\[\]]")


class Lake:
    """DuckLake with its catalogue in PostgreSQL.

    Args:
        catalogue: the PostgreSQL database.
        settings: keys of the store, and where the Parquet files are.
        data_dir: the data folder of this machine; by default it contains the files.

    Raises:
        WarehouseError: the path of the Parquet files has a wildcard.
    """

    def __init__(self, catalogue: Catalogue, settings: LakeSettings, data_dir: Path) -> None:
        data_path = (settings.data_path or str(data_dir / "lake")).rstrip("/") + "/"
        if found := _WILDCARD.search(data_path):
            raise WarehouseError(
                f"the lake's folder is {data_path}, in which {found[0]} is a wildcard",
                todo="Give the lake a folder without * ? [ ] in its path (BILLING_LAKE_DATA).",
            )
        self._connections = LakeConnections(catalogue, settings, data_path)

    @property
    def location(self) -> str:
        """The catalogue's database, and where the Parquet files are."""
        return f"{self._connections.catalogue.location}, with files in {self._connections.data_path}"

    def exists(self) -> bool:
        """Whether anything has ever been published."""
        with self._connections.open() as connection:
            return self._attach_to_read(connection)

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection that reads one snapshot, and changes nothing."""
        with self._connections.open() as connection:
            if not self._attach_to_read(connection):
                raise WarehouseError(
                    f"there is nothing in the lake yet: {self.location}",
                    todo="Load a period first: billing-pipeline run.",
                )
            # One snapshot for all statements, so that their results are consistent.
            connection.execute("USE warehouse; BEGIN TRANSACTION READ ONLY")
            yield connection

    def change(self, work: Callable[[duckdb.DuckDBPyConnection], Result]) -> Result:
        """Work in one transaction, after all other changes of the lake have ended."""
        with self._serialised() as (connection, require_lock):
            self._create_what_is_missing(connection)
            with _transaction(connection):
                (snapshot,) = connection.execute(
                    "FROM ducklake_current_snapshot('warehouse')"
                ).fetchone() or (None,)
                self._connections.attach(connection, PUBLISHED, "READ_ONLY", f"SNAPSHOT_VERSION {snapshot}")
                result = work(connection)
                require_lock()
            return result

    def execute_read_only(
        self, connection: duckdb.DuckDBPyConnection, query: str
    ) -> duckdb.DuckDBPyConnection:
        """The lake is attached read-only; only files of its folder are read, and none written."""
        refuse_unsafe_query(connection, query)
        connection.execute(f"SET allowed_directories = [{quote_literal(self._connections.data_path)}]")
        connection.execute("SET enable_external_access = false; SET lock_configuration = true")
        return connection.execute(query)

    def maintain(self, *, keep_days: int, grace_hours: int) -> str:
        """Expire snapshots, merge small files, and remove unreferenced files. No row changes.

        Args:
            keep_days: how many days back earlier states can still be queried.
            grace_hours: how many hours unreferenced files are kept for readers and loads in progress.

        Returns:
            What was done, in a sentence.

        Raises:
            WarehouseError: it could not be done; every row is as it was.
        """
        with self._serialised() as (connection, _):
            if not self._connections.attach_if_there(connection, "warehouse"):
                return f"There is nothing in the lake yet: {self.location}."
            kept, grace = f"now() - INTERVAL {keep_days} DAY", f"now() - INTERVAL {grace_hours} HOUR"
            steps = {
                "expired": f"ducklake_expire_snapshots('warehouse', older_than => {kept})",
                "merged": "ducklake_merge_adjacent_files('warehouse')",
                "rewritten": "ducklake_rewrite_data_files('warehouse')",
                "removed": f"ducklake_cleanup_old_files('warehouse', older_than => {grace})",
                "orphaned": f"ducklake_delete_orphaned_files('warehouse', older_than => {grace})",
            }
            self._refuse_foreign_orphans(connection)
            done = {name: connection.execute(f"CALL {call}").fetchall() for name, call in steps.items()}
        merged = sum(row[2] for row in done["merged"])
        rewritten = sum(row[2] for row in done["rewritten"])
        return (
            f"{len(done['expired']):,} snapshots expired, {merged:,} files merged, {rewritten:,} rewritten, "
            f"{len(done['removed']) + len(done['orphaned']):,} files removed that nothing refers to."
        )

    @contextmanager
    def _serialised(self) -> Iterator[tuple[duckdb.DuckDBPyConnection, Callable[[], object]]]:
        """A connection under the lake's lock, and a function that raises if the lock is lost."""
        catalogue = self._connections.catalogue
        with self._connections.open() as connection, catalogue.locked() as require_lock:
            yield connection, require_lock

    def _attach_to_read(self, connection: duckdb.DuckDBPyConnection) -> bool:
        """Attach the lake read-only, if it exists and has its tables."""
        if not self._connections.attach_if_there(connection, "warehouse", "READ_ONLY"):
            return False
        if not _has_schema_version(connection):
            return False
        # Its only row is written after the tables and views are created.
        return connection.execute("FROM warehouse.schema_version").fetchone() is not None

    def _create_what_is_missing(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Attach the lake; create or update it, its tables and views."""
        # Attaching twice under one name crashes DuckLake 1.0.
        if not self._connections.attach_if_there(connection, "warehouse"):
            self._refuse_foreign_files(connection)
            self._connections.attach(connection, "warehouse")
        connection.execute("USE warehouse")
        if not _has_schema_version(connection):
            for file in ("warehouse/schema/usage.sql", "lake/lake.sql"):
                with _transaction(connection):
                    connection.execute(read_sql(file))
        elif is_current(connection):
            return
        create_schema(connection)

    def _refuse_foreign_files(self, connection: duckdb.DuckDBPyConnection) -> None:
        """A folder belongs to one lake: maintenance removes files that the catalogue does not know of."""
        path = self._connections.data_path
        (files,) = connection.execute(
            "SELECT count(*) FROM glob($pattern)", {"pattern": f"{path}**"}
        ).fetchone() or (0,)
        if files:
            raise WarehouseError(
                f"{path} contains {files:,} files that are not in the catalogue, "
                f"{self._connections.catalogue.location}",
                todo="Give a new lake a folder of its own (BILLING_LAKE_DATA), or correct dbname in "
                "BILLING_WAREHOUSE.",
            )

    def _refuse_foreign_orphans(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Raise if DuckLake would remove files outside its own folders, such as another lake's.

        Its cleanup removes every Parquet file below its data path that is not in its catalogue.
        """
        orphans = connection.execute(
            "SELECT path"
            " FROM ducklake_delete_orphaned_files('warehouse', dry_run => true, cleanup_all => true)"
            " WHERE NOT starts_with(path, $own) ORDER BY path",
            {"own": f"{self._connections.data_path}main/"},
        ).fetchall()
        if orphans:
            raise WarehouseError(
                f"{len(orphans):,} files below the lake's folder are not the lake's, such as {orphans[0][0]}",
                todo="Nothing was removed. Move them away; another lake needs a folder beside this one.",
            )


@contextmanager
def _transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    connection.execute("BEGIN")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # Removes the files that were written. Without it, closing crashes DuckLake 1.0 if the database is
        # gone.
        with suppress(duckdb.Error):
            connection.execute("ROLLBACK")
        raise


def _has_schema_version(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the tables exist: this one is created after `usage` and the lake's options."""
    found = connection.execute(
        "FROM duckdb_tables() WHERE database_name = 'warehouse' AND table_name = 'schema_version'"
    ).fetchone()
    return found is not None
