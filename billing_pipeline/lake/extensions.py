"""DuckDB's extensions for a lake: loaded from the Python packages that hold them."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import duckdb

from billing_pipeline.errors import WarehouseError, first_line
from billing_pipeline.sql_files import quote_literal

NEEDED = ("postgres_scanner", "ducklake")
FOR_S3 = ("httpfs",)

INSTALL_HINT = (
    "make lake, then .venv-lake/bin/billing-pipeline (or, in the project's folder, pip install '.[lake]')"
)


def load_extensions(
    connection: duckdb.DuckDBPyConnection, names: tuple[str, ...], *, download_to: Path | None
) -> None:
    """Load extensions; nothing is copied, and nothing is downloaded unless that is asked for.

    Args:
        download_to: a folder for extensions that are not installed as packages; None: they are missing.

    Raises:
        WarehouseError: an extension is missing, or does not fit this version of DuckDB.
    """
    for name in names:
        path = _packaged(name)
        try:
            if path is not None:
                connection.execute(f"LOAD {quote_literal(path)}")
            elif download_to is not None:
                connection.execute(f"SET extension_directory = {quote_literal(download_to)}")
                connection.execute(f"INSTALL {name}; LOAD {name}")
            else:
                raise WarehouseError(
                    f"a lake needs DuckDB's extension {name}, which is not installed for DuckDB "
                    f"{duckdb.__version__}",
                    todo=f"Use the environment of a lake: {INSTALL_HINT}.",
                )
        except duckdb.Error as error:
            raise WarehouseError(
                f"DuckDB's extension {name} cannot be loaded: {first_line(error)}",
                todo=f"Make the environment of a lake anew: {INSTALL_HINT}.",
            ) from error


def _packaged(name: str) -> Path | None:
    """The file that the package of this name holds for this version of DuckDB."""
    package = find_spec(f"duckdb_extension_{name}")
    if package is None or package.origin is None:
        return None
    file = f"extensions/v{duckdb.__version__}/{name}.duckdb_extension"
    path = Path(package.origin).parent / file
    return path if path.exists() else None
