"""The lake: shared Parquet files, and a PostgreSQL database with their catalogue.

Readers have snapshot isolation. A PostgreSQL advisory lock serialises changes.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from importlib import resources
from pathlib import Path
from uuid import uuid4

import duckdb
import psycopg2
from pydantic import SecretStr

from billing_pipeline.errors import WarehouseError, first_line
from billing_pipeline.lake import INSTALL_HINT
from billing_pipeline.lake.allowed_queries import refuse_unsafe_query
from billing_pipeline.lake.catalogue import Catalogue
from billing_pipeline.lake.explanations import explain
from billing_pipeline.settings import LakeSettings
from billing_pipeline.sql_files import quote_literal, read_sql
from billing_pipeline.warehouse.history import LoadAttempt, record
from billing_pipeline.warehouse.memory import READING, execute_restricted, folder_to_spill_to, limit_memory
from billing_pipeline.warehouse.schema import create_schema, is_current
from billing_pipeline.warehouse.warehouse import PUBLISHED, Result

_NO_LAKE = "creating a new DuckLake is explicitly disabled"
# DuckDB takes the folder of a lake for a pattern when it looks for files.
_WILDCARD = re.compile(r"[*?\[\]]")
# Verifying their signatures takes 0.3 s. Once is enough: a process keeps the libraries that it has loaded.
_verified_extensions: set[str] = set()


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
        self._catalogue = catalogue
        self._settings = settings
        self._data_path = data_path
        self._is_known_to_exist = False
        self.location = f"{catalogue.location}, with files in {data_path}"

    @contextmanager
    def session(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A DuckDB connection with extensions and secrets, and nothing attached yet.

        Raises:
            WarehouseError: an extension is missing, or a key is rejected; also for errors of the database or
                the store within the block.
        """
        with self._explained_errors(), closing(self._open()) as connection:
            yield connection

    def _open(self) -> duckdb.DuckDBPyConnection:
        # A folder of its own: instances of DuckDB would overwrite each other's temporary files.
        folder = folder_to_spill_to()
        spill = folder and f"{folder}/{uuid4()}"
        extensions = ("postgres_scanner", "ducklake", *(["httpfs"] if self._settings.on_s3 else ()))
        connection = duckdb.connect(
            ":memory:",
            config={
                "temp_directory": spill,
                "allow_unsigned_extensions": _verified_extensions.issuperset(extensions),
            },
        )
        with ExitStack() as on_error:
            on_error.callback(connection.close)
            connection.execute("SET autoinstall_known_extensions = false")
            connection.execute("SET autoload_known_extensions = false; SET TimeZone = 'UTC'")
            for name in extensions:
                load_extension(connection, name)
            connection.execute("SET allow_unsigned_extensions = false")
            _verified_extensions.update(extensions)
            self._create_secrets(connection)
            on_error.pop_all()
        return connection

    @contextmanager
    def _explained_errors(self) -> Iterator[None]:
        """Errors of the database or the store as errors of the warehouse, without secrets."""
        try:
            yield
        except (duckdb.Error, psycopg2.Error) as error:
            secrets = (
                self._catalogue.password,
                self._settings.s3_secret_key,
                self._settings.s3_session_token,
            )
            if explanation := explain(error, secrets, self._catalogue.location, self._data_path):
                raise explanation from None
            raise

    def _create_secrets(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Pass passwords and keys to DuckDB as secrets, which its messages do not quote."""
        secrets: dict[str, dict[str, str | SecretStr | None]] = {
            "postgres": {"PASSWORD": self._catalogue.password}
        }
        settings = self._settings
        if settings.on_s3:
            secrets["s3"] = {
                "KEY_ID": settings.s3_key_id,
                "SECRET": settings.s3_secret_key,
                "SESSION_TOKEN": settings.s3_session_token,
                "REGION": settings.s3_region,
            }
            if endpoint := settings.s3_endpoint:
                scheme, _, host = endpoint.partition("://")
                secrets["s3"] |= {"ENDPOINT": host, "URL_STYLE": "path", "USE_SSL": str(scheme == "https")}
        for kind, values in secrets.items():
            options = [
                f"{name} {quote_literal(value.get_secret_value() if isinstance(value, SecretStr) else value)}"
                for name, value in values.items()
                if value
            ]
            if not options:
                continue
            try:
                connection.execute(f"CREATE SECRET (TYPE {kind}, {', '.join(options)})")
            except duckdb.Error as error:
                # Its message may quote the statement.
                raise WarehouseError(
                    f"DuckDB rejects the {kind} credentials: {type(error).__name__}",
                    todo="Check PGPASSWORD and the AWS_… settings.",
                ) from None

    def attach(self, connection: duckdb.DuckDBPyConnection, name: str, *options: str) -> None:
        """Attach the lake; it is created if it does not exist, unless an option forbids that."""
        source = quote_literal(f"ducklake:postgres:{self._catalogue.dsn}")
        options = (f"DATA_PATH {quote_literal(self._data_path)}", *options)
        connection.execute(f"ATTACH {source} AS {name} ({', '.join(options)})")

    def exists(self) -> bool:
        """Whether anything has ever been published."""
        # A connection takes a tenth of a second, and nothing removes a lake.
        if not self._is_known_to_exist:
            with self.session() as connection:
                self._is_known_to_exist = self._attach_to_read(connection)
        return self._is_known_to_exist

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A connection that changes nothing; each statement reads the latest snapshot."""
        with self._explained_errors(), ExitStack() as on_error:
            connection = self._open()
            on_error.callback(connection.close)
            if not self._attach_to_read(connection):
                raise WarehouseError(
                    f"there is nothing in the lake yet: {self.location}",
                    todo="Load a period first: billing-pipeline run.",
                )
            connection.execute("USE warehouse")
            on_error.pop_all()
        return connection

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection that reads one snapshot, and changes nothing."""
        with self._explained_errors(), closing(self.connect()) as connection:
            limit_memory(connection, READING)
            # One snapshot for all statements, so that their results are consistent.
            connection.execute("BEGIN TRANSACTION READ ONLY")
            yield connection

    def change(self, work: Callable[[duckdb.DuckDBPyConnection], Result]) -> Result:
        """Work in one transaction, after all other changes of the lake have ended."""
        with self.session() as connection, self._catalogue.locked() as require_lock:
            self._create_what_is_missing(connection)
            with _transaction(connection):
                (snapshot,) = connection.execute(
                    "FROM ducklake_current_snapshot('warehouse')"
                ).fetchone() or (None,)
                self.attach(connection, PUBLISHED, "READ_ONLY", f"SNAPSHOT_VERSION {snapshot}")
                result = work(connection)
                require_lock()
            return result

    def record_failure(self, attempt: LoadAttempt) -> None:
        """Record it in a change of its own, which copies nothing here."""
        self.change(lambda connection: record(connection, attempt))

    def execute_read_only(
        self, connection: duckdb.DuckDBPyConnection, query: str
    ) -> duckdb.DuckDBPyConnection:
        """The lake is attached read-only; only files of its folder are read, and none written."""
        refuse_unsafe_query(connection, query)
        connection.execute(f"SET allowed_directories = [{quote_literal(self._data_path)}]")
        return execute_restricted(connection, query)

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
        with self.session() as connection, self._catalogue.locked():
            if not self._attach_if_there(connection):
                return f"There is nothing in the lake yet: {self.location}."
            kept, grace = f"now() - INTERVAL {keep_days} DAY", f"now() - INTERVAL {grace_hours} HOUR"
            steps = {
                "expired": f"ducklake_expire_snapshots('warehouse', older_than => {kept})",
                "merged": "ducklake_merge_adjacent_files('warehouse')",
                "rewritten": "ducklake_rewrite_data_files('warehouse')",
                "removed": f"ducklake_cleanup_old_files('warehouse', older_than => {grace})",
                "orphaned": f"ducklake_delete_orphaned_files('warehouse', older_than => {grace})",
            }
            self._refuse_foreign_files(
                connection,
                "SELECT path"
                " FROM ducklake_delete_orphaned_files('warehouse', dry_run => true, cleanup_all => true)"
                f" WHERE NOT starts_with(path, {quote_literal(self._data_path + 'main/')})",
                "Nothing was removed. Move them away; another lake needs a folder beside this one.",
            )
            done = {name: connection.execute(f"CALL {call}").fetchall() for name, call in steps.items()}
        merged = sum(row[2] for row in done["merged"])
        rewritten = sum(row[2] for row in done["rewritten"])
        return (
            f"{len(done['expired']):,} snapshots expired, {merged:,} files merged, {rewritten:,} rewritten, "
            f"{len(done['removed']) + len(done['orphaned']):,} files removed that nothing refers to."
        )

    def _attach_to_read(self, connection: duckdb.DuckDBPyConnection) -> bool:
        """Attach the lake read-only, if it exists and has its tables."""
        return self._attach_if_there(connection, "READ_ONLY") and bool(_count_schema_versions(connection))

    def _attach_if_there(self, connection: duckdb.DuckDBPyConnection, *options: str) -> bool:
        try:
            self.attach(connection, "warehouse", "CREATE_IF_NOT_EXISTS false", *options)
        except duckdb.InvalidInputException as error:
            if _NO_LAKE in str(error):
                return False
            raise
        return True

    def _create_what_is_missing(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Attach the lake; create or update it, its tables and views."""
        # Attaching twice under one name crashes DuckLake 1.0.
        if not self._attach_if_there(connection):
            self._refuse_foreign_files(
                connection,
                f"SELECT file AS path FROM glob({quote_literal(self._data_path + '**')})",
                "Give a new lake a folder of its own (BILLING_LAKE_DATA), or correct dbname in "
                "BILLING_WAREHOUSE.",
            )
            self.attach(connection, "warehouse")
        connection.execute("USE warehouse")
        if _count_schema_versions(connection) is None:
            for file in ("warehouse/schema/usage.sql", "lake/lake.sql"):
                with _transaction(connection):
                    connection.execute(read_sql(file))
        elif is_current(connection):
            return
        create_schema(connection)

    def _refuse_foreign_files(self, connection: duckdb.DuckDBPyConnection, paths: str, todo: str) -> None:
        """Raise if there are foreign files, such as another lake's: maintenance would remove them.

        DuckLake's cleanup removes every Parquet file below its data path that is not in its catalogue.
        """
        foreign = connection.execute(f"FROM ({paths}) ORDER BY path").fetchall()
        if foreign:
            raise WarehouseError(
                f"{self._data_path} contains {len(foreign):,} files that are not in the catalogue, "
                f"{self._catalogue.location}, such as {foreign[0][0]}",
                todo=todo,
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


def _count_schema_versions(connection: duckdb.DuckDBPyConnection) -> int | None:
    """1 once all tables and views are there; None without the table, which follows `usage` and lake.sql."""
    try:
        (found,) = connection.execute("SELECT count(*) FROM warehouse.schema_version").fetchone() or (0,)
    except duckdb.CatalogException:
        return None
    return int(found)


def load_extension(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Load an extension from its Python package; nothing is downloaded.

    Raises:
        WarehouseError: the extension is missing, or does not fit this version of DuckDB.
    """
    version = duckdb.__version__
    try:
        package = resources.files(f"duckdb_extension_{name}")
        path = package.joinpath(f"extensions/v{version}/{name}.duckdb_extension")
        connection.execute(f"LOAD {quote_literal(path)}")
    except (ModuleNotFoundError, duckdb.Error) as error:
        raise WarehouseError(
            f"a lake needs DuckDB's extension {name}, which is not installed for DuckDB {version}: "
            f"{first_line(error)}",
            todo=f"Use the environment of a lake: {INSTALL_HINT}.",
        ) from error
