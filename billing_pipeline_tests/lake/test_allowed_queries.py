"""`billing-pipeline sql` on a lake changes nothing, reads no other file, calls no other function."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from billing_pipeline.cli import main as billing_pipeline
from billing_pipeline.errors import WarehouseError
from billing_pipeline.lake import allowed_queries
from billing_pipeline.lake.allowed_queries import refuse_unsafe_query
from billing_pipeline.warehouse import Warehouse
from billing_pipeline_tests.lake.conftest import LakePlace, SharedLake, shared_lake
from billing_pipeline_tests.postgres import PostgresServer
from billing_pipeline_tests.warehouse.loader import month_of
from billing_pipeline_tests.warehouse.reports import load, query

CATALOGUE = "__ducklake_metadata_warehouse"


_TABLE_FUNCTIONS = {
    *("duckdb_columns", "duckdb_functions", "duckdb_schemas", "duckdb_tables", "duckdb_views"),
    *("generate_series", "json_each", "json_tree", "pragma_show", "pragma_table_info", "range", "repeat"),
    *("unnest", "ducklake_current_snapshot", "ducklake_snapshots", "ducklake_table_changes"),
    *("ducklake_table_deletions", "ducklake_table_insertions"),
}


def files(place: LakePlace) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in Path(place.data_path).rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def loaded(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> SharedLake:
    """One lake for all queries of this file, none of which changes it."""
    lake = shared_lake(postgres, tmp_path_factory.mktemp("queries"))
    load(lake.warehouse, month_of(1))
    return lake


@pytest.fixture(autouse=True)
def _settings(loaded: SharedLake, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in loaded.environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def warehouse(loaded: SharedLake) -> Warehouse:
    return loaded.warehouse


@pytest.fixture
def place(loaded: SharedLake) -> LakePlace:
    return loaded.place


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM usage",
        "INSERT INTO schema_version VALUES ('x') RETURNING *",
        "COPY (SELECT 1) TO '{data}/new.parquet'",
        "COPY usage TO '{outside}/usage.csv'",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO '{data}/new.parquet'",
        "FROM read_text('{outside}/secret.txt')",
        "ATTACH '{outside}/other.duckdb'",
        "ATTACH '{catalogue}' AS other (TYPE postgres)",
        f"FROM postgres_query('{CATALOGUE}', 'SELECT 1 AS one')",
        f"SELECT * FROM system.main.postgres_query('{CATALOGUE}', 'SELECT 1 AS one')",
        f"CALL postgres_execute('{CATALOGUE}', 'CREATE TABLE evil (one int)')",
        f"FROM query('FROM post' || 'gres_query(''{CATALOGUE}'', ''SELECT 1 AS one'')')",
        f"FROM {CATALOGUE}.ducklake_snapshot",
        f"SELECT (SELECT count(*) FROM {CATALOGUE}.public.ducklake_snapshot)",
        "CALL ducklake_expire_snapshots('warehouse', older_than => now())",
        "FROM ducklake_expire_snapshots('warehouse', older_than => now())",
        "WITH x AS (FROM DuckLake_Cleanup_Old_Files('warehouse', cleanup_all => true)) FROM x",
        "FROM ducklake_delete_orphaned_files('warehouse', cleanup_all => true)",
        "FROM ducklake_merge_adjacent_files('warehouse')",
        "FROM checkpoint('warehouse')",
        "FROM enable_logging('QueryLog', storage => 'file', storage_path => '{outside}/log.csv')",
        "FROM enable_profiling(save_location => '{outside}/profile.json')",
        "FROM '{outside}/secret.csv'",
        "SELECT write_log('unheard of')",
        "SELECT write_log('a line') OVER () FROM usage",
        "SELECT nextval('usage')",
        "SET enable_external_access = true",
        "PRAGMA enable_profiling",
        "SELECT 1; SELECT 2",
        "SELCT 1",
    ],
)
def test_sql__more_than_a_select__refused_in_one_line(
    warehouse: Warehouse, place: LakePlace, tmp_path: Path, capsys: pytest.CaptureFixture[str], statement: str
) -> None:
    for name in ("secret.txt", "secret.csv"):
        (tmp_path / name).write_text("unheard of")
    before = (
        files(place),
        place.server.query("SELECT count(*) FROM ducklake_snapshot", database=place.database),
    )

    status = billing_pipeline(
        ["sql", statement.format(data=place.data_path, outside=tmp_path, catalogue=place.connection_string)]
    )

    output = capsys.readouterr()
    assert (status, output.out) == (1, "")
    assert output.err.count("\n") == 1
    assert "unheard of" not in output.err
    assert place.server.password not in output.err
    after = (
        files(place),
        place.server.query("SELECT count(*) FROM ducklake_snapshot", database=place.database),
    )
    assert after == before


@pytest.mark.parametrize(
    "statement",
    [
        "FROM usage",
        "DESCRIBE usage",
        "SUMMARIZE usage",
        "SHOW TABLES",
        "PIVOT usage ON offering_item IN ('servers', 'vms') USING sum(absolute_total)",
        "SELECT gib(1073741824::BIGINT) AS one",
        "SELECT sku, row_number() OVER (ORDER BY sku), lag(sku) OVER (), sum(delta_total) OVER () FROM usage",
        "SELECT extra->>'x', usage_date - INTERVAL 1 MONTH, [1, 2][1], {'a': random()} FROM usage",
        "SELECT unnest(range(3)), COLUMNS('sku'), tenant_id IN (uuid()), sku LIKE 'S%' FROM usage",
        "FROM duckdb_columns()",
        "FROM month_over_month",
        "FROM ducklake_snapshots('warehouse')",
        "SELECT count(*) FROM usage AT (TIMESTAMP => now())",
        "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT sum(i) FROM n",
    ],
)
def test_sql__select__returns_rows(capsys: pytest.CaptureFixture[str], statement: str) -> None:
    assert billing_pipeline(["sql", statement]) == 0, capsys.readouterr().err


def test_reading__delete__fails(warehouse: Warehouse) -> None:
    with pytest.raises(Exception, match="read-only"), warehouse.reading() as connection:
        connection.execute("DELETE FROM usage")

    assert query(warehouse, "SELECT count(*) AS n FROM usage") == [{"n": 3}]


def test_execute_read_only__every_function__refused_or_harmless(
    warehouse: Warehouse, place: LakePlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    catalogue = "SELECT * FROM ducklake_snapshot"
    before = files(place), place.server.query(catalogue, database=place.database)
    refused, called, answered = set(), set(), set()

    with warehouse.reading() as connection:
        functions = connection.execute(
            "SELECT DISTINCT ON (function_name, len(parameter_types)) function_name,"
            " function_type IN ('table', 'table_macro', 'pragma'), coalesce(parameter_types, [])"
            " FROM duckdb_functions()"
        ).fetchall()
        own = allowed_queries._own_macros(connection)  # read once: it takes long in a lake
        monkeypatch.setattr(allowed_queries, "_own_macros", lambda _: own)
        warehouse.execute_read_only(connection, "SELECT 1").fetchall()
        for name, is_table, types in functions:
            call = f'"{name}"({", ".join(map(argument, types))})'
            query = f"SELECT * FROM {call}" if is_table else f"SELECT {call} FROM usage"
            try:
                refuse_unsafe_query(connection, query)
            except WarehouseError:
                refused.add(name)
                continue
            called.add(name)
            try:
                connection.execute(query).fetchmany(10)
                answered.add(name)
            except duckdb.Error:
                # A call that failed may have aborted the transaction.
                connection.execute("ROLLBACK")
                connection.execute("BEGIN TRANSACTION READ ONLY")

    assert files(place) == before[0]
    assert place.server.query(catalogue, database=place.database) == before[1]
    assert list(Path.cwd().iterdir()) == []
    assert len(answered) > 500
    assert {"sum", "strftime", "ducklake_snapshots"} <= answered
    assert "gib" in called
    assert refused.isdisjoint(called)
    assert {"checkpoint", "enable_logging", "query", "read_csv", "postgres_execute", "write_log"} <= refused
    assert {name for name, is_table, _ in functions if is_table} - refused - own == _TABLE_FUNCTIONS


def argument(kind: str | None) -> str:
    """A value that names something where a function takes a name."""
    if kind in {None, "ANY", "T", "VARCHAR"} or not kind:
        return "'warehouse'"
    return f"TRY_CAST(1 AS {kind})" if kind.isalpha() else "NULL"
