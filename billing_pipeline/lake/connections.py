"""Connections to a lake: DuckDB with its extensions and keys, and a session of the catalogue's database."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import duckdb
import psycopg2.extensions
from pydantic import SecretStr

from billing_pipeline.errors import WarehouseError
from billing_pipeline.lake.catalogue import Catalogue
from billing_pipeline.lake.explanations import cause_of, explained
from billing_pipeline.lake.extensions import FOR_S3, NEEDED, load_extensions
from billing_pipeline.settings import LakeSettings
from billing_pipeline.sql_files import quote_literal

_NO_LAKE = "creating a new DuckLake is explicitly disabled"
# DuckDB takes the folder of a lake for a pattern when it looks for files.
_PATTERN = re.compile(r"[*?\[\]]")
_SPILL_KEPT_SECONDS = 2 * 86400


class LakeConnections:
    """Opens connections to one lake.

    Args:
        catalogue: the PostgreSQL database.
        settings: keys, passwords, and where the Parquet files are.
        data_dir: the data folder of this machine, where DuckDB spills what does not fit into memory.

    Raises:
        WarehouseError: the path of the Parquet files has a wildcard.
    """

    def __init__(self, catalogue: Catalogue, settings: LakeSettings, data_dir: Path) -> None:
        self.catalogue = catalogue
        self.settings = settings
        self.data_path = (settings.data_path or str(data_dir / "lake")).rstrip("/") + "/"
        self._data_dir = data_dir
        self._password = catalogue.password or settings.database_password
        if found := _PATTERN.search(self.data_path):
            raise WarehouseError(
                f"the lake's folder is {self.data_path}, in which {found[0]} is a wildcard",
                todo="Give the lake a folder without * ? [ ] in its path (BILLING_LAKE_DATA).",
            )

    @contextmanager
    def open(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A DuckDB connection with the extensions and keys, to which nothing is attached yet.

        Raises:
            WarehouseError: also for what happens to the database or the store within the block.
        """
        work = self._data_dir / "work"
        for spilled in work.glob("lake-*"):  # by a process that was killed
            with suppress(OSError):
                if time.time() - spilled.stat().st_mtime > _SPILL_KEPT_SECONDS:
                    shutil.rmtree(spilled, ignore_errors=True)
        # Process ids are not enough: containers that share the folder have the same ones.
        spill = work / f"lake-{uuid4().hex}"
        connection = duckdb.connect(
            ":memory:",
            config={
                "temp_directory": str(spill),
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
            },
        )
        try:
            download_to = self._data_dir / "extensions" if self.settings.downloads_extensions else None
            names = NEEDED + (FOR_S3 if self.settings.on_s3 else ())
            load_extensions(connection, names, download_to=download_to)
            connection.execute("SET TimeZone = 'UTC'")
            self._create_secrets(connection)
            yield connection
        except (duckdb.Error, psycopg2.Error) as error:
            cause = self._redacted(cause_of(error))
            if explanation := explained(error, cause, self.catalogue.location, self.data_path):
                raise explanation from None
            raise
        finally:
            with suppress(duckdb.Error):
                connection.close()
            shutil.rmtree(spill, ignore_errors=True)

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

    def connect_to_catalogue(self) -> psycopg2.extensions.connection:
        """A session of the catalogue's database, beside the ones that DuckDB has.

        Raises:
            psycopg2.OperationalError: the database cannot be reached, or rejects the user.
        """
        return self.catalogue.connect(self._password)

    def _create_secrets(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Give DuckDB passwords and keys as secrets, which its messages do not quote."""
        if self._password:
            _create_secret(connection, "postgres", {"PASSWORD": self._password.get_secret_value()})
        if not self.settings.on_s3:
            return
        values: dict[str, str | SecretStr | None] = {
            "KEY_ID": self.settings.s3_key_id,
            "SECRET": self.settings.s3_secret_key,
            "SESSION_TOKEN": self.settings.s3_session_token,
            "REGION": self.settings.s3_region,
        }
        if endpoint := self.settings.s3_endpoint:
            scheme, _, host = endpoint.partition("://")
            values |= {"ENDPOINT": host, "URL_STYLE": "path", "USE_SSL": str(scheme == "https").lower()}
        _create_secret(
            connection,
            "s3",
            {
                name: value.get_secret_value() if isinstance(value, SecretStr) else value
                for name, value in values.items()
                if value
            },
        )

    def _redacted(self, message: str) -> str:
        """The message without any password or key, wherever it came from."""
        for secret in (self._password, self.settings.s3_secret_key, self.settings.s3_session_token):
            if secret and (value := secret.get_secret_value()):
                message = message.replace(value, "***")
        return message


def _create_secret(connection: duckdb.DuckDBPyConnection, kind: str, values: dict[str, str]) -> None:
    options = "".join(f", {name} {quote_literal(value)}" for name, value in values.items())
    try:
        connection.execute(f"CREATE SECRET (TYPE {kind}{options})")
    except duckdb.Error as error:
        raise WarehouseError(
            f"DuckDB rejects the {kind} credentials: {type(error).__name__}",
            todo="Check PGPASSWORD and the AWS_… settings.",
        ) from None
