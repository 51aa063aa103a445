"""Which warehouse the settings name, and what is said when it cannot be had."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing_pipeline.cli import main as billing_pipeline
from billing_pipeline.connection_string import ConnectionString
from billing_pipeline.errors import WarehouseError
from billing_pipeline.settings import PipelineSettings
from billing_pipeline.warehouse import WarehouseFile, open_warehouse
from billing_pipeline.warehouse.extensions import load_extensions
from billing_pipeline_tests.warehouse.loader import month_of
from billing_pipeline_tests.warehouse.reports import load


@pytest.mark.parametrize("said", [None, "", "file"])
def test_the_file_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str | None) -> None:
    monkeypatch.setenv("BILLING_DATA_DIR", str(tmp_path))
    if said is not None:
        monkeypatch.setenv("BILLING_WAREHOUSE", said)

    warehouse = open_warehouse(PipelineSettings.load())

    assert isinstance(warehouse, WarehouseFile)
    assert warehouse.location == str(tmp_path / "warehouse.duckdb")
    assert not warehouse.exists()


def test_a_file_needs_no_maintenance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BILLING_DATA_DIR", str(tmp_path))
    warehouse = WarehouseFile(tmp_path)
    load(warehouse, month_of(1))
    before = warehouse.path.read_bytes()

    assert billing_pipeline(["maintain", "--keep-days", "0"]) == 0

    assert "nothing to do" in capsys.readouterr().out
    assert warehouse.path.read_bytes() == before


def test_a_link_stays_and_its_file_is_replaced(tmp_path: Path) -> None:
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


def test_a_file_that_only_a_newer_duckdb_can_write_is_told(tmp_path: Path) -> None:
    warehouse = WarehouseFile(tmp_path)
    load(warehouse, month_of(1))
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"ATTACH '{warehouse.path}' AS old (READ_ONLY)")
        connection.execute(f"ATTACH '{tmp_path / 'newer'}' AS newer (STORAGE_VERSION 'latest')")
        connection.execute("COPY FROM DATABASE old TO newer")
    (tmp_path / "newer").replace(warehouse.path)

    # DuckDB 1.5 has no newer version to write.
    told = pytest.raises(WarehouseError, match=r"cannot be opened: .*\. It is damaged, or of another version")
    with told if duckdb.__version__ >= "2" else nullcontext():
        load(warehouse, month_of(2), number=2)


def test_an_extension_that_is_not_installed_is_not_downloaded_but_named() -> None:
    with duckdb.connect(":memory:") as connection, pytest.raises(WarehouseError) as missing:
        load_extensions(connection, ("spatial",), download_to=None)

    told = str(missing.value)
    assert f"extension spatial, which is not installed for DuckDB {duckdb.__version__}" in told
    assert "make lake, then .venv-lake/bin/billing-pipeline" in told


@pytest.mark.parametrize(
    ("said", "parameters", "password"),
    [
        ("host=db dbname=lake", {"host": "db", "dbname": "lake"}, None),
        (" host = db  password = 'it''s' ", None, None),
        (r"host=db password='it\'s \\ here' port=1", {"host": "db", "port": "1"}, r"it's \ here"),
        (r"password=it\'s\ here host=db", {"host": "db"}, "it's here"),
        (
            "postgresql://me:p%40ss%3Aw%2F@db.example:5433/lake?sslmode=require",
            {"host": "db.example", "port": "5433", "user": "me", "dbname": "lake", "sslmode": "require"},
            "p@ss:w/",
        ),
        ("postgres:///lake?host=/run/postgresql", {"dbname": "lake", "host": "/run/postgresql"}, None),
        ("postgresql://one:1,two:2/lake", None, None),
        (
            "postgresql://db/lake?password=a+b%2B&sslmode=&options=-c%20x",
            {"host": "db", "dbname": "lake", "options": "-c x"},
            "a+b+",
        ),
        ("postgresql://me:se[secret]pw@db/lake", None, None),
        ("postgresql://billing:12/secret@db/lake", None, None),
        ("host=db sslpassword=secret", None, None),
        ("postgresql://me:\u2100secret@db/lake", None, None),
        ("password=secret and more", None, None),
        ("", None, None),
    ],
)
def test_a_connection_string_is_read_as_libpq_reads_it(
    said: str, parameters: dict[str, str] | None, password: str | None
) -> None:
    if parameters is None:
        with pytest.raises(ValueError, match=r"libpq|one host|no parameter|sslpassword") as refused:
            ConnectionString.parse(said)
        assert "secret" not in str(refused.value)
        return
    read = ConnectionString.parse(said)

    assert read.parameters == parameters
    assert (read.password.get_secret_value() if read.password else None) == password


@given(
    st.dictionaries(st.sampled_from(["host", "user", "dbname", "options"]), st.text(min_size=1), min_size=1)
)
def test_what_is_written_is_what_was_read(parameters: dict[str, str]) -> None:
    assert ConnectionString.parse(str(ConnectionString(parameters))).parameters == parameters


def test_a_password_is_in_nothing_that_is_shown() -> None:
    read = ConnectionString.parse("host=db dbname=lake password=untold")

    assert str(read) == "host=db dbname=lake"
    for shown in (repr(read), read.place, f"{PipelineSettings.model_construct(warehouse=read)!r}"):
        assert "untold" not in shown
