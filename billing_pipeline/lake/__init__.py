"""An optional warehouse for several machines: DuckLake, with its catalogue in PostgreSQL.

Only `open_warehouse` imports this package; its dependencies are the extra `lake`.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from billing_pipeline.errors import WarehouseError
from billing_pipeline.settings import LakeSettings

if TYPE_CHECKING:
    from billing_pipeline.lake.lake import Lake

INSTALL_HINT = (
    "make lake, then .venv-lake/bin/billing-pipeline (or, in the project's folder, pip install '.[lake]')"
)


def open_lake(connection_string: SecretStr, data_dir: Path) -> "Lake":
    """The lake that the settings name; nothing is connected to or created yet.

    Args:
        connection_string: the catalogue's database, as libpq reads it.
        data_dir: the data folder of this machine.

    Raises:
        SettingsError: the connection string or another setting of a lake is missing or bad.
        WarehouseError: the extra `lake` is not installed, or its folder cannot be used.
    """
    if find_spec("psycopg2") is None:
        raise WarehouseError(
            "a lake needs the package psycopg2, which is not installed",
            todo=f"Use the environment of a lake: {INSTALL_HINT}.",
        )
    # These need psycopg2.
    from billing_pipeline.lake.catalogue import Catalogue  # noqa: PLC0415
    from billing_pipeline.lake.lake import Lake  # noqa: PLC0415

    settings = LakeSettings.load()
    catalogue = Catalogue.parse(connection_string.get_secret_value(), settings.database_password)
    return Lake(catalogue, settings, data_dir)
