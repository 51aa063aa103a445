"""Maintenance makes files fewer and expires old snapshots; no row ever changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from billing_pipeline.cli import main as billing_pipeline
from billing_pipeline.errors import WarehouseError
from billing_pipeline.lake.lake import Lake
from billing_pipeline.sql_files import rows_as_dicts
from billing_pipeline.warehouse import Warehouse
from billing_pipeline.warehouse.schema import VIEWS
from billing_pipeline_tests.lake.conftest import LakePlace, opened
from billing_pipeline_tests.postgres import PostgresServer
from billing_pipeline_tests.warehouse.loader import month_of
from billing_pipeline_tests.warehouse.reports import load, query, row

TABLES = (
    "usage",
    "load_history",
    "load_checks",
    "usage_restatement",
    "period_closing",
    "month_totals",
    "offering_item",
    "price",
)


@pytest.mark.parametrize(
    "option", [["--keep-days", "999999"], ["--grace-hours", "9" * 5000]], ids=["days", "hours"]
)
def test_maintain__time_before_all_dates__refused(
    option: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert billing_pipeline(["maintain", *option]) == 2

    assert f"Invalid value for '{option[0]}'" in capsys.readouterr().err


def test_maintain__files_of_another_lake__never_removed(
    warehouse: Warehouse, place: LakePlace, postgres: PostgresServer, tmp_path: Path
) -> None:
    load(warehouse, month_of(1))
    postgres.create_database("inner")
    inner = LakePlace(postgres, "inner", f"{place.data_path}/inner")
    with pytest.MonkeyPatch.context() as patch:
        other = opened(inner, tmp_path / "other", patch.setenv)
        load(other, month_of(2))
    before = files(place)

    assert isinstance(warehouse, Lake)
    with pytest.raises(WarehouseError, match=r"such as .*inner/main/.*\. Nothing was removed"):
        warehouse.maintain(keep_days=0, grace_hours=0)

    assert files(place) == before
    assert query(other, "SELECT count(*) AS n FROM usage") == [{"n": 3}]


def test_open_lake__wildcard_in_folder__refused(
    place: LakePlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pattern = LakePlace(place.server, place.database, f"{place.data_path}[1]")

    with pytest.raises(WarehouseError, match=r"in which \[ is a wildcard"):
        opened(pattern, tmp_path, monkeypatch.setenv)


def everything(warehouse: Warehouse) -> dict[str, list[dict[str, Any]]]:
    with warehouse.reading() as connection:
        return {
            name: rows_as_dicts(connection.execute(f"FROM {name} ORDER BY ALL")) for name in (*TABLES, *VIEWS)
        }


def files(place: LakePlace) -> set[Path]:
    return {path for path in Path(place.data_path).rglob("*") if path.is_file()}


def months(warehouse: Warehouse) -> None:
    """Enough history that there is something to merge: restatements of more keys than are inlined."""
    many = [row(offering_item="servers", sku=f"S{number}", absolute_production=1) for number in range(120)]
    for number in range(1, 5):
        load(
            warehouse,
            [{**each, "absolute_production": number, "absolute_total": number} for each in many],
            number=number,
        )
    load(warehouse, month_of(5), number=5)


def test_maintain__reader_in_progress__fewer_files_same_rows(
    warehouse: Warehouse, place: LakePlace, capsys: pytest.CaptureFixture[str]
) -> None:
    months(warehouse)
    before, littered = everything(warehouse), files(place)
    rows = "SELECT count(*), sum(report_row) FROM usage"

    with warehouse.reading() as reader:
        read = reader.execute(rows).fetchall()
        assert billing_pipeline(["maintain", "--keep-days", "0"]) == 0
        assert reader.execute(rows).fetchall() == read
    assert not capsys.readouterr().out.startswith("0 snapshots expired")

    assert billing_pipeline(["maintain", "--keep-days", "0", "--grace-hours", "0"]) == 0

    output = capsys.readouterr().out
    assert everything(warehouse) == before
    assert len(files(place)) < len(littered)
    assert "0 files removed" not in output
    assert query(warehouse, "SELECT count(*) AS n FROM ducklake_snapshots('warehouse')")[0]["n"] <= 3
    load(warehouse, month_of(6), number=6)
    assert query(warehouse, "SELECT max(absolute_total)::INT AS n FROM usage") == [{"n": 6}]


def test_maintain__defaults__old_snapshots_kept(warehouse: Warehouse, place: LakePlace) -> None:
    months(warehouse)
    (loaded,) = query(warehouse, "SELECT min(snapshot_id) AS first FROM load_history")
    then = f"SELECT sum(absolute_total)::INT AS n FROM usage AT (VERSION => {loaded['first']})"
    kept = files(place)

    assert billing_pipeline(["maintain"]) == 0

    assert query(warehouse, then) == [{"n": 120}]
    assert files(place) >= kept


def test_load__folder_of_another_lake__refused(
    warehouse: Warehouse, place: LakePlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(warehouse, month_of(1))
    place.server.create_database("second")
    second = opened(LakePlace(place.server, "second", place.data_path), tmp_path / "data", monkeypatch.setenv)

    with pytest.raises(WarehouseError, match=r"contains \d+ files that are not in the catalogue"):
        load(second, month_of(2))

    assert query(warehouse, "SELECT count(*) AS n FROM usage") == [{"n": 3}]


def test_maintain__no_lake_yet__nothing_to_do(
    new_lake: Warehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not new_lake.exists()
    assert billing_pipeline(["maintain"]) == 0
    assert "nothing in the lake yet" in capsys.readouterr().out
