"""`billing-pipeline sql` on a lake changes nothing, reads no other files, and reaches nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from billing_pipeline.cli import main as billing_pipeline
from billing_pipeline.warehouse import Warehouse
from billing_pipeline_tests.lake.conftest import LakePlace
from billing_pipeline_tests.warehouse.loader import month_of
from billing_pipeline_tests.warehouse.reports import load, query

CATALOGUE = "__ducklake_metadata_warehouse"


def files(place: LakePlace) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in Path(place.data_path).rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "asked",
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
        "SET enable_external_access = true",
        "PRAGMA enable_profiling",
        "SELECT 1; SELECT 2",
        "SELCT 1",
    ],
)
def test_what_is_no_question_is_refused_in_one_line(
    warehouse: Warehouse, place: LakePlace, tmp_path: Path, capsys: pytest.CaptureFixture[str], asked: str
) -> None:
    load(warehouse, month_of(1))
    (tmp_path / "secret.txt").write_text("unheard of")
    before = (
        files(place),
        place.server.query("SELECT count(*) FROM ducklake_snapshot", database=place.database),
    )

    status = billing_pipeline(
        ["sql", asked.format(data=place.data_path, outside=tmp_path, catalogue=place.connection_string)]
    )

    told = capsys.readouterr()
    assert (status, told.out) == (1, "")
    assert told.err.count("\n") == 1
    assert "unheard of" not in told.err
    assert place.server.password not in told.err
    after = (
        files(place),
        place.server.query("SELECT count(*) FROM ducklake_snapshot", database=place.database),
    )
    assert after == before


@pytest.mark.parametrize(
    "asked",
    [
        "FROM usage",
        "DESCRIBE usage",
        "SUMMARIZE usage",
        "SHOW TABLES",
        "PIVOT usage ON offering_item IN ('servers', 'vms') USING sum(absolute_total)",
        "SELECT gib(1073741824) AS one",
        "FROM month_over_month_in(DATE '2026-09-01')",
        "FROM ducklake_snapshots('warehouse')",
        "SELECT count(*) FROM usage AT (TIMESTAMP => now())",
        "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT sum(i) FROM n",
    ],
)
def test_a_question_is_answered(warehouse: Warehouse, capsys: pytest.CaptureFixture[str], asked: str) -> None:
    load(warehouse, month_of(1))

    assert billing_pipeline(["sql", asked]) == 0, capsys.readouterr().err


def test_a_reader_can_change_nothing(warehouse: Warehouse) -> None:
    load(warehouse, month_of(1))

    with pytest.raises(Exception, match="read-only"), warehouse.reading() as connection:
        connection.execute("DELETE FROM usage")

    assert query(warehouse, "SELECT count(*) AS n FROM usage") == [{"n": 3}]
