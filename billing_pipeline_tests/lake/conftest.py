"""A lake of each test's own, on a PostgreSQL server of the tests' own."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from billing_pipeline.settings import PipelineSettings
from billing_pipeline.warehouse import Warehouse
from billing_pipeline.warehouses import open_warehouse
from billing_pipeline_tests.postgres import PostgresServer, postgres

__all__ = ["postgres"]

_numbers = count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything of a lake depends on its version of DuckDB."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker("duckdb")


@dataclass(frozen=True)
class LakePlace:
    """Where a lake is, or will be created."""

    server: PostgresServer
    database: str
    data_path: str

    @property
    def settings(self) -> dict[str, str]:
        """Environment variables; the password is apart from the connection string."""
        return {
            "BILLING_WAREHOUSE": f"ducklake:postgres:{self.connection_string}",
            "BILLING_LAKE_DATA": self.data_path,
            "PGPASSWORD": self.server.password,
        }

    @property
    def connection_string(self) -> str:
        return self.server.connection_string(self.database, password=False)


@dataclass(frozen=True)
class SharedLake:
    """A lake of all tests of a module, and the environment variables that name it."""

    warehouse: Warehouse
    place: LakePlace
    environment: dict[str, str]


def shared_lake(server: PostgresServer, folder: Path) -> SharedLake:
    """A lake below a new folder, whose name its database gets."""
    server.create_database(folder.name)
    place = LakePlace(server, folder.name, str(folder / "shared"))
    environment: dict[str, str] = {}
    with pytest.MonkeyPatch.context() as patch:

        def setenv(name: str, value: str) -> None:
            environment[name] = value
            patch.setenv(name, value)

        return SharedLake(opened(place, folder / "data", setenv), place, environment)


@pytest.fixture
def place(postgres: PostgresServer, tmp_path: Path) -> LakePlace:
    """An empty database and a folder that is not there yet."""
    database = f"lake_{next(_numbers)}"
    postgres.create_database(database)
    return LakePlace(postgres, database, str(tmp_path / "shared"))


@pytest.fixture(scope="session")
def empty_lake(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> LakePlace:
    """A lake with all tables and views and no month, to be copied; creating it takes longer than a load."""
    lake = shared_lake(postgres, tmp_path_factory.mktemp("empty"))
    lake.warehouse.change(lambda _: None)
    return lake.place


@pytest.fixture
def new_lake(place: LakePlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    """The lake there, as the settings of the environment name it; the first change creates it."""
    return opened(place, tmp_path / "data", monkeypatch.setenv)


@pytest.fixture
def warehouse(empty_lake: LakePlace, place: LakePlace, new_lake: Warehouse) -> Warehouse:
    """The same lake, with its tables and views."""
    place.server.query(f'DROP DATABASE "{place.database}"', database="postgres")
    place.server.create_database(place.database, template=empty_lake.database)
    place.server.query(
        f"UPDATE ducklake_metadata SET value = '{place.data_path}/' WHERE key = 'data_path'",
        database=place.database,
    )
    shutil.copytree(empty_lake.data_path, place.data_path)
    return new_lake


def opened(place: LakePlace, data_dir: Path, setenv: Callable[[str, str], None]) -> Warehouse:
    """The lake as a machine with this data folder sees it."""
    for name, value in (place.settings | {"BILLING_DATA_DIR": str(data_dir)}).items():
        setenv(name, value)
    return open_warehouse(PipelineSettings.load())
