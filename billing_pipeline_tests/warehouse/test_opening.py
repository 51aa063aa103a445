"""The warehouse that the settings select, and the errors if it cannot be opened."""

from __future__ import annotations

import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import duckdb
import pytest

from billing_pipeline.cli import main as billing_pipeline
from billing_pipeline.errors import WarehouseError
from billing_pipeline.settings import PipelineSettings
from billing_pipeline.warehouse import WarehouseFile
from billing_pipeline.warehouses import open_warehouse
from billing_pipeline_tests.warehouse.loader import month_of
from billing_pipeline_tests.warehouse.reports import load


@pytest.mark.parametrize("said", [None, "", "file"])
def test_open_warehouse__no_setting__is_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str | None
) -> None:
    monkeypatch.setenv("BILLING_DATA_DIR", str(tmp_path))
    if said is not None:
        monkeypatch.setenv("BILLING_WAREHOUSE", said)

    warehouse = open_warehouse(PipelineSettings.load())

    assert isinstance(warehouse, WarehouseFile)
    assert warehouse.location == str(tmp_path / "warehouse.duckdb")
    assert not warehouse.exists()


def test_maintain__file__has_nothing_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BILLING_DATA_DIR", str(tmp_path))
    warehouse = WarehouseFile(tmp_path)
    load(warehouse, month_of(1))
    before = warehouse.path.read_bytes()

    assert billing_pipeline(["maintain", "--keep-days", "0"]) == 0

    assert "nothing to do" in capsys.readouterr().out
    assert warehouse.path.read_bytes() == before


def test_load__symbolic_link__replaces_its_target(tmp_path: Path) -> None:
    (tmp_path / "share").mkdir()
    target, link = tmp_path / "share" / "usage.duckdb", tmp_path / "data" / "warehouse.duckdb"
    link.parent.mkdir()
    link.symlink_to(target)

    for value in (1, 2):
        load(WarehouseFile(link.parent), month_of(value), number=value)

    assert link.is_symlink()
    with duckdb.connect(str(target), read_only=True) as connection:
        assert connection.execute("SELECT DISTINCT absolute_total FROM usage").fetchall() == [(2,)]


def test_load__file_without_tables__makes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BILLING_DATA_DIR", str(tmp_path))
    warehouse = WarehouseFile(tmp_path)
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"ATTACH '{warehouse.path}' AS nothing (STORAGE_VERSION 'v1.5.0')")

    assert billing_pipeline(["status"]) == 1
    assert "has no tables. Load a period first" in capsys.readouterr().err
    load(warehouse, month_of(1))

    with warehouse.reading() as connection:
        assert connection.execute("SELECT count(*) FROM usage").fetchall() == [(3,)]


def test_load__file_of_newer_duckdb__is_refused(tmp_path: Path) -> None:
    warehouse = WarehouseFile(tmp_path)
    load(warehouse, month_of(1))
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"ATTACH '{warehouse.path}' AS old (READ_ONLY)")
        connection.execute(f"ATTACH '{tmp_path / 'newer'}' AS newer (STORAGE_VERSION 'latest')")
        connection.execute("COPY FROM DATABASE old TO newer")
    (tmp_path / "newer").replace(warehouse.path)

    # DuckDB 1.5 has no newer version to write.
    error = pytest.raises(
        WarehouseError, match=r"cannot be opened: .*\. It is damaged, or of another version"
    )
    with error if duckdb.__version__ >= "2" else nullcontext():
        load(warehouse, month_of(2), number=2)


def test_open_warehouse__file__imports_nothing_of_a_lake(tmp_path: Path) -> None:
    script = """
import sys
import billing_pipeline.definitions
from billing_pipeline.settings import PipelineSettings
from billing_pipeline.warehouses import open_warehouse
open_warehouse(PipelineSettings.load())
assert not {"psycopg2", "billing_pipeline.lake"} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr


def test_open_warehouse__lake_without_its_extra__names_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BILLING_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("BILLING_WAREHOUSE", "ducklake:postgres:host=db password=secret")
    monkeypatch.setitem(sys.modules, "psycopg2", None)

    assert billing_pipeline(["status"]) == 1

    (line,) = capsys.readouterr().err.splitlines()
    assert "the package psycopg2, which is not installed" in line
    assert "make lake, then .venv-lake/bin/billing-pipeline" in line
    assert "secret" not in line
