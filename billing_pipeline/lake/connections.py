"""Connections to a lake: DuckDB with extensions and secrets."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path

import duckdb
import psycopg2
from pydantic import SecretStr

from billing_pipeline.errors import WarehouseError, first_line
from billing_pipeline.lake import INSTALL_HINT
from billing_pipeline.lake.catalogue import Catalogue
from billing_pipeline.lake.explanations import cause_of, explain
from billing_pipeline.settings import LakeSettings
from billing_pipeline.sql_files import quote_literal

_NO_LAKE = "creating a new DuckLake is explicitly disabled"


class LakeConnections:
    """Opens connections to one lake.

    Args:
        catalogue: the PostgreSQL database.
        settings: keys of the store.
        data_path: where the Parquet files are; ends with a slash.
    """

    def __init__(self, catalogue: Catalogue, settings: LakeSettings, data_path: str) -> None:
        self.catalogue = catalogue
        self.data_path = data_path
        self._settings = settings

    @contextmanager
    def open(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A DuckDB connection with extensions and secrets, and nothing attached yet.

        Data that exceeds the memory limit spills to the system's temporary folder.

        Raises:
            WarehouseError: also for errors of the database or the store within the block.
        """
        try:
            with (
                tempfile.TemporaryDirectory(prefix="billing-lake-", ignore_cleanup_errors=True) as spill,
                closing(_connect(spill)) as connection,
            ):
                for name in ("postgres_scanner", "ducklake", *(["httpfs"] if self._settings.on_s3 else ())):
                    load_extension(connection, name)
                self._create_secrets(connection)
                yield connection
        except (duckdb.Error, psycopg2.Error) as error:
            cause = self._redacted(cause_of(error))
            if explanation := explain(error, cause, self.catalogue.location, self.data_path):
                raise explanation from None
            raise

    def attach(self, connection: duckdb.DuckDBPyConnection, name: str, *options: str) -> None:
        """Attach the lake; it is created if it does not exist, unless an option forbids that."""
        source = quote_literal(f"ducklake:postgres:{self.catalogue.dsn}")
        options = (f"DATA_PATH {quote_literal(self.data_path)}", *options)
        connection.execute(f"ATTACH {source} AS {name} ({', '.join(options)})")

    def attach_if_there(self, connection: duckdb.DuckDBPyConnection, name: str, *options: str) -> bool:
        """Attach the lake if it exists."""
        try:
            self.attach(connection, name, "CREATE_IF_NOT_EXISTS false", *options)
        except duckdb.InvalidInputException as error:
            if _NO_LAKE in str(error):
                return False
            raise
        return True

    def _create_secrets(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Pass passwords and keys to DuckDB as secrets, which its messages do not quote."""
        _create_secret(connection, "postgres", {"PASSWORD": self.catalogue.password})
        if not self._settings.on_s3:
            return
        values = {
            "KEY_ID": self._settings.s3_key_id,
            "SECRET": self._settings.s3_secret_key,
            "SESSION_TOKEN": self._settings.s3_session_token,
            "REGION": self._settings.s3_region,
        }
        if endpoint := self._settings.s3_endpoint:
            scheme, _, host = endpoint.partition("://")
            values |= {"ENDPOINT": host, "URL_STYLE": "path", "USE_SSL": str(scheme == "https")}
        _create_secret(connection, "s3", values)

    def _redacted(self, message: str) -> str:
        """The message without passwords and keys."""
        secrets = (self.catalogue.password, self._settings.s3_secret_key, self._settings.s3_session_token)
        for secret in secrets:
            if secret and (value := secret.get_secret_value()):
                message = message.replace(value, "***")
        return message


def load_extension(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Load an extension from its Python package; nothing is downloaded.

    Raises:
        WarehouseError: the extension is missing, or does not fit this version of DuckDB.
    """
    package = find_spec(f"duckdb_extension_{name}")
    file = f"extensions/v{duckdb.__version__}/{name}.duckdb_extension"
    path = Path(package.origin).parent / file if package and package.origin else None
    if path is None or not path.exists():
        raise WarehouseError(
            f"a lake needs DuckDB's extension {name}, which is not installed for DuckDB {duckdb.__version__}",
            todo=f"Use the environment of a lake: {INSTALL_HINT}.",
        )
    try:
        connection.execute(f"LOAD {quote_literal(path)}")
    except duckdb.Error as error:
        raise WarehouseError(
            f"DuckDB's extension {name} cannot be loaded: {first_line(error)}",
            todo=f"Make the environment of a lake anew: {INSTALL_HINT}.",
        ) from error


def _connect(spill: str) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(
        ":memory:",
        config={
            "temp_directory": spill,
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        },
    )
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def _create_secret(
    connection: duckdb.DuckDBPyConnection, kind: str, values: dict[str, str | SecretStr | None]
) -> None:
    """Create a secret from the values that are set, if any."""
    options = {
        name: value.get_secret_value() if isinstance(value, SecretStr) else value
        for name, value in values.items()
        if value
    }
    if not options:
        return
    listed = "".join(f", {name} {quote_literal(value)}" for name, value in options.items())
    try:
        connection.execute(f"CREATE SECRET (TYPE {kind}{listed})")
    except duckdb.Error as error:
        # Its message may quote the statement.
        raise WarehouseError(
            f"DuckDB rejects the {kind} credentials: {type(error).__name__}",
            todo="Check PGPASSWORD and the AWS_… settings.",
        ) from None
