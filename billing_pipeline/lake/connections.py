"""Connections to a lake: DuckDB with extensions and secrets."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib import resources

import duckdb
from pydantic import SecretStr

from billing_pipeline.errors import WarehouseError, first_line
from billing_pipeline.lake import INSTALL_HINT
from billing_pipeline.settings import LakeSettings
from billing_pipeline.sql_files import quote_literal


@contextmanager
def open_connection(
    settings: LakeSettings, password: SecretStr | None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB connection with extensions and secrets, and nothing attached yet.

    Data that exceeds the memory limit spills to the system's temporary folder.

    Args:
        settings: keys of the store.
        password: of the catalogue's database.

    Raises:
        WarehouseError: an extension is missing, or a key is rejected.
    """
    with (
        tempfile.TemporaryDirectory(prefix="billing-lake-", ignore_cleanup_errors=True) as spill,
        closing(duckdb.connect(":memory:", config={"temp_directory": spill})) as connection,
    ):
        connection.execute("SET autoinstall_known_extensions = false")
        connection.execute("SET autoload_known_extensions = false; SET TimeZone = 'UTC'")
        for name in ("postgres_scanner", "ducklake", *(["httpfs"] if settings.on_s3 else ())):
            load_extension(connection, name)
        _create_secrets(connection, settings, password)
        yield connection


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


def _create_secrets(
    connection: duckdb.DuckDBPyConnection, settings: LakeSettings, password: SecretStr | None
) -> None:
    """Pass passwords and keys to DuckDB as secrets, which its messages do not quote."""
    secrets: dict[str, dict[str, str | SecretStr | None]] = {"postgres": {"PASSWORD": password}}
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
