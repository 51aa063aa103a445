"""A connection to a lake: extensions, keys, and what DuckDB says when something is amiss, in plain words."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn
from uuid import uuid4

import duckdb
from pydantic import SecretStr

from billing_pipeline.connection_string import ConnectionString
from billing_pipeline.errors import WarehouseError, first_line
from billing_pipeline.settings import LakeSettings
from billing_pipeline.sql_files import quote_literal
from billing_pipeline.warehouse.extensions import FOR_S3, NEEDED, load_extensions

# What DuckDB quotes of libpq, after the connection string that it was given.
_LIBPQ = re.compile(
    r"(?:connection to server|could not translate|invalid connection option|invalid \w+ value|missing \"=\")"
    r".*",
    re.DOTALL,
)
_NOT_LET_IN = ("password authentication failed", "no password supplied", "no pg_hba.conf entry", 'role "')
_NOT_REACHED = (
    "Connection refused",
    "could not translate",
    "timeout expired",
    "timed out",
    "No route",
    "server closed the connection",
    "terminating connection",
    "the database system is",
)
_NO_LAKE = "creating a new DuckLake is explicitly disabled"
_OTHER_DATA_PATH = re.compile(r'does not match existing data path in the catalog "([^"]*)"')
_LOST_FILE = re.compile(r"\.parquet.*(No such file|404)", re.DOTALL)
_STORE = (duckdb.IOException, duckdb.HTTPException, duckdb.PermissionException)
# What DuckLake says when another transaction committed first.
_CONFLICTS = ("conflict", "maximum retry count", "could not serialize", "duplicate key")
# DuckDB takes the folder of a lake for a pattern when it looks for files.
_PATTERN = re.compile(r"[*?\[\]]")
# A host that is gone is noticed within a minute, unless the connection string says otherwise.
_PATIENCE = {
    "connect_timeout": "10",
    "keepalives_idle": "20",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}
_SPILL_KEPT_SECONDS = 2 * 86400


class LakeConnections:
    """Opens connections that know the way to a lake.

    Args:
        catalogue: the PostgreSQL database.
        settings: keys, passwords, and where the files lie.
        data_dir: where DuckDB may put what does not fit into memory.
    """

    def __init__(self, catalogue: ConnectionString, settings: LakeSettings, data_dir: Path) -> None:
        self.catalogue = catalogue
        self.settings = settings
        self.data_path = (settings.data_path or str(data_dir / "lake")).rstrip("/") + "/"
        self._data_dir = data_dir
        self._password = catalogue.password or settings.database_password
        if found := _PATTERN.search(self.data_path):
            raise WarehouseError(
                f"the lake's folder is {self.data_path}, in which {found[0]} stands for other names",
                todo="Give the lake a folder without * ? [ ] in its path (BILLING_LAKE_DATA).",
            )

    @contextmanager
    def open(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection with the extensions and keys, to which nothing is attached yet.

        Raises:
            WarehouseError: for whatever the block meets of the database or the store.
        """
        work = self._data_dir / "work"
        for left in work.glob("lake-*"):  # by a process that was killed
            with suppress(OSError):
                if time.time() - left.stat().st_mtime > _SPILL_KEPT_SECONDS:
                    shutil.rmtree(left, ignore_errors=True)
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
            self._tell_secrets(connection)
            yield connection
        except duckdb.Error as error:
            self._translate(error)
        finally:
            with suppress(duckdb.Error):
                connection.close()
            shutil.rmtree(spill, ignore_errors=True)

    def attach(self, connection: duckdb.DuckDBPyConnection, name: str, *options: str) -> None:
        """Attach the lake; it must be there, unless an option says that it may be made."""
        said = ", ".join((f"DATA_PATH {quote_literal(self.data_path)}", *options))
        connection.execute(
            f"ATTACH {quote_literal(f'ducklake:postgres:{self._to_libpq}')} AS {name} ({said})"
        )

    def attach_if_there(self, connection: duckdb.DuckDBPyConnection, name: str, *options: str) -> bool:
        """Attach the lake if somebody has made it."""
        try:
            self.attach(connection, name, "CREATE_IF_NOT_EXISTS false", *options)
        except duckdb.InvalidInputException as error:
            if _NO_LAKE in str(error):
                return False
            raise
        return True

    def attach_database(self, connection: duckdb.DuckDBPyConnection, name: str) -> None:
        """Attach the catalogue's database as such, read-only."""
        connection.execute(f"ATTACH {quote_literal(self._to_libpq)} AS {name} (TYPE postgres, READ_ONLY)")

    @property
    def _to_libpq(self) -> str:
        patience = dict(_PATIENCE)
        if "PGCONNECT_TIMEOUT" in os.environ:
            del patience["connect_timeout"]
        return str(ConnectionString({**patience, **self.catalogue.parameters}))

    def _tell_secrets(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Keep passwords and keys in DuckDB's memory, where its messages do not quote them from."""
        if self._password:
            _create_secret(connection, "postgres", {"PASSWORD": self._password.get_secret_value()})
        if not self.settings.on_s3:
            return
        given: dict[str, str | SecretStr | None] = {
            "KEY_ID": self.settings.s3_key_id,
            "SECRET": self.settings.s3_secret_key,
            "SESSION_TOKEN": self.settings.s3_session_token,
            "REGION": self.settings.s3_region,
        }
        if endpoint := self.settings.s3_endpoint:
            scheme, _, host = endpoint.partition("://")
            given |= {"ENDPOINT": host, "URL_STYLE": "path", "USE_SSL": str(scheme == "https").lower()}
        _create_secret(
            connection,
            "s3",
            {
                name: value.get_secret_value() if isinstance(value, SecretStr) else value
                for name, value in given.items()
                if value
            },
        )

    def _translate(self, error: duckdb.Error) -> NoReturn:
        """Raise what DuckDB says as an error of ours; a defect stays what it is."""
        if is_conflict(error):
            raise error
        raw = str(error)
        told = self.redacted(_of_libpq(raw) or _of_postgres(raw) or first_line(error))
        place = self.catalogue.place
        if any(sign in raw for sign in _NOT_LET_IN):
            raise WarehouseError(
                f"{place} does not let the warehouse's user in: {told}",
                todo="Check user and password: BILLING_WAREHOUSE, PGPASSWORD or the passfile.",
            ) from None
        if re.search(r'database "[^"]*" does not exist', raw):
            raise WarehouseError(
                f"{place} does not exist",
                todo="Create it (createdb), or correct dbname in BILLING_WAREHOUSE.",
            ) from None
        if found := _OTHER_DATA_PATH.search(raw):
            raise WarehouseError(
                f"the lake keeps its files in {found[1]}, and BILLING_LAKE_DATA says {self.data_path}",
                todo="Set BILLING_LAKE_DATA as it was when the lake was made.",
            ) from None
        if "permission denied for" in raw:
            raise WarehouseError(
                f"{place} does not let the warehouse's user do this: {told}",
                todo="Name the lake's owner in BILLING_WAREHOUSE, or grant this user more (docs/lake.md).",
            ) from None
        if _of_libpq(raw) or any(sign in raw for sign in _NOT_REACHED):
            raise WarehouseError(
                f"{place} cannot be used: {told}",
                todo="See whether PostgreSQL runs and BILLING_WAREHOUSE is right, and run again; "
                "the lake holds the old state or the new one, whole.",
            ) from None
        if isinstance(error, _STORE) and _LOST_FILE.search(raw):
            raise WarehouseError(
                f"a file of the lake is missing: {told}",
                todo="Put it back from a backup, or correct BILLING_LAKE_DATA. If it is lost, load the raw "
                "reports into a new lake: run --replay.",
            ) from None
        if isinstance(error, _STORE):
            raise WarehouseError(
                f"the lake's files in {self.data_path} cannot be read or written: {told}",
                todo="Check BILLING_LAKE_DATA, rights, room, and for S3 the keys and BILLING_S3_ENDPOINT; "
                "the lake is as it was.",
            ) from None
        if isinstance(error, (duckdb.OperationalError, duckdb.FatalException)):
            raise WarehouseError(
                f"the lake could not be read or changed: {told}",
                todo="The lake is as it was: mend the cause (disk, memory) and run again.",
            ) from None
        raise error

    def redacted(self, told: str) -> str:
        """The text without any password or key, wherever it came from."""
        for secret in (self._password, self.settings.s3_secret_key, self.settings.s3_session_token):
            if secret and (value := secret.get_secret_value()):
                told = told.replace(value, "***")
        return told


def is_conflict(error: BaseException) -> bool:
    """Whether another transaction came first, so that this one can be done again."""
    return isinstance(error, duckdb.TransactionException) and any(sign in str(error) for sign in _CONFLICTS)


def _of_libpq(raw: str) -> str | None:
    found = _LIBPQ.search(raw)
    return " ".join(found[0].split()) if found else None


def _of_postgres(raw: str) -> str | None:
    """The cause, which DuckLake tells last."""
    _, sign, cause = raw.rpartition("ERROR:")
    return first_line(cause) if sign else None


def _create_secret(connection: duckdb.DuckDBPyConnection, kind: str, values: dict[str, str]) -> None:
    said = "".join(f", {name} {quote_literal(value)}" for name, value in values.items())
    try:
        connection.execute(f"CREATE SECRET (TYPE {kind}{said})")
    except duckdb.Error as error:
        raise WarehouseError(
            f"DuckDB does not take the {kind} key: {type(error).__name__}",
            todo="Check PGPASSWORD and the AWS_… settings.",
        ) from None
