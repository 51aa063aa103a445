"""csv_v2_0: by the names of its columns, strictly, to the same rows as json_v2_0."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing_pipeline.errors import ReportRefusedError
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.reports import ReportParameters
from billing_pipeline_tests.normalize import reference
from billing_pipeline_tests.normalize.loading import FIRST_DAY, LAST_DAY, load_csv, load_json, report_of
from billing_pipeline_tests.normalize.strategies import texts, uuids

pytestmark = pytest.mark.duckdb

SAMPLE_HEADER = [
    *("application.id", "application.name", "date"),
    *("infra.backend_type", "infra.id", "infra.name", "infra.owner_id"),
    *("is_range", "measurement_unit", "name"),
    *("pricing.currency", "pricing.mode", "pricing.price", "pricing.total_cost", "quota.value"),
    *("tenant.customer_id", "tenant.id", "tenant.kind", "tenant.name"),
    *("usage.absolute.production", "usage.absolute.total", "usage.absolute.trial"),
    *("usage.delta.production", "usage.delta.total", "usage.delta.trial"),
    *("usage.effective.production", "usage.effective.total", "usage.effective.trial"),
    "edition",
]
REQUESTED = ReportParameters(
    "11111111-1111-4111-8111-111111111111", BillingPeriod(2026, 9), "usage_summary", "direct_partners"
)
ROW = {name: "0" for name in SAMPLE_HEADER if name.startswith("usage.")} | {
    "tenant.id": "0fcd4a69-8a40-4de8-b711-d9c83dc000f7",
    "tenant.name": "Foobar",
    "name": "pw_servers",
    "date": "2026-09-30",
    "is_range": "False",
}


def csv_of(*rows: dict[str, Any], header: list[str] | None = None, end: str = "\r\n") -> bytes:
    """A csv_v2_0 file."""
    text = io.StringIO()
    writer = csv.DictWriter(text, header or SAMPLE_HEADER, restval="", lineterminator=end)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def refusal(content: bytes, folder: Path) -> str:
    with pytest.raises(ReportRefusedError) as refused:
        load_csv(content, folder, REQUESTED)
    return refused.value.what


csv_numbers = st.one_of(
    st.integers(-(10**15), 10**15).map(str),
    st.decimals(-(10**9), 10**9, places=6).map(lambda number: format(number, "f")),
    st.sampled_from(["87.0", "1e+16", "1.5E3", "-2500000e-6", "007", "0.10000000", "1e-6", "-0.0"]),
)
odd_numbers = st.one_of(
    csv_numbers,
    st.sampled_from(
        ["", "0.30000000000000004", "1,5", " 1", "1e-13", "1e40", "9" * 40, "NaN", "+5", "1e", "ten"]
    ),
)


@st.composite
def csv_rows(draw: st.DrawFn) -> dict[str, str]:
    # A CSV reader takes a lone carriage return for the end of a line where it is not quoted; NUL is no text.
    cells = texts.map(lambda text: text.replace("\x00", ""))
    row = {name: draw(cells) for name in [*SAMPLE_HEADER, "sku"]}
    row |= {name: draw(csv_numbers) for name in SAMPLE_HEADER if name.startswith("usage.")}
    row |= {name: draw(odd_numbers) for name in SAMPLE_HEADER if name.startswith(("usage.eff", "pricing."))}
    row |= {name: draw(odd_numbers) for name in ("pricing.price", "quota.value")}
    row |= {
        name: draw(st.one_of(st.just(""), uuids)) for name in ("application.id", "infra.id", "infra.owner_id")
    }
    return row | {
        "pricing.total_cost": "",
        "tenant.id": draw(uuids),
        "name": draw(cells.filter(bool)),
        "date": "2026-09-15",
        "is_range": draw(st.sampled_from(["True", "False", "true", "FALSE"])),
        "measurement_unit": draw(st.sampled_from(["", "bytes", "seconds", "n/a"])),
    }


@pytest.mark.slow
@settings(max_examples=40)
@given(st.lists(csv_rows(), max_size=5), st.permutations([*SAMPLE_HEADER, "sku"]), st.booleans())
def test_load_csv__random_report__equals_reference_and_json(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[dict[str, str]],
    header: list[str],
    byte_order_mark: bool,
) -> None:
    folder = tmp_path_factory.mktemp("csv")
    content = b"\xef\xbb\xbf" * byte_order_mark + csv_of(*rows, header=header)
    expected = reference.rows_of_csv(content, FIRST_DAY, LAST_DAY)
    as_json = [row | {"is_range": row["is_range"].lower() == "true"} for row in rows]

    in_table, totals = load_csv(content, folder)

    assert in_table == expected
    assert (totals.rows, totals.sums) == reference.control_totals(in_table)
    assert (in_table, totals) == load_json(report_of(*as_json), folder)


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("87.0", "87"),
        ("1e+16", str(10**16)),
        ("0.000001", "0.000001"),
        ("12300e-2", "123"),
        ("-1.5E1", "-15"),
    ],
)
def test_load_csv__measure_in_any_notation__is_exact(tmp_path: Path, cell: str, number: str) -> None:
    rows, totals = load_csv(csv_of(ROW | {"usage.delta.trial": cell}), tmp_path, REQUESTED)

    assert [row["delta_trial"] for row in rows] == [Decimal(number)]
    assert totals.sums["quantity"]["delta_trial"] == Decimal(number)


def test_load_csv__detail_not_held__is_in_extra(tmp_path: Path) -> None:
    odd = {"usage.effective.total": "0.30000000000000004", "quota.value": "1,5"}
    rows, _ = load_csv(csv_of(ROW | odd, ROW | {"usage.effective.total": ""}), tmp_path, REQUESTED)

    assert [(row["effective_total"], row["quota"], row["extra"]) for row in rows] == [
        (None, None, odd),
        (None, None, None),
    ]


def test_load_csv__columns_without_which_nothing_is_billed__may_be_missing(tmp_path: Path) -> None:
    billed = [name for name in SAMPLE_HEADER if not name.startswith(("usage.eff", "pricing.", "quota."))]
    rows, _ = load_csv(csv_of({name: ROW.get(name, "") for name in billed}, header=billed), tmp_path)

    assert [(row["effective_total"], row["price"], row["delta_total"]) for row in rows] == [(None, None, 0)]


def test_load_csv__added_columns__are_in_extra(tmp_path: Path) -> None:
    rows, _ = load_csv(
        csv_of(ROW | {"region": "eu", "tier": ""}, ROW, header=[*SAMPLE_HEADER, "region", "tier"]), tmp_path
    )

    assert [row["extra"] for row in rows] == [{"region": "eu"}, None]


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("Billing model", "billing_model"),
        ("pricing.billing_model", "billing_model"),
        ("infra.storageType", "storage_type"),
        ("Pricing tier ID", "pricing_tier_id"),
        ("SKU", "sku"),
    ],
)
def test_load_csv__sku_details_under_any_plausible_name__have_columns(
    tmp_path: Path, name: str, column: str
) -> None:
    rows, totals = load_csv(csv_of(ROW | {name: "a"}, ROW, header=[*SAMPLE_HEADER, name]), tmp_path)

    assert [(row[column], row["extra"]) for row in rows] == [("a", None), (None, None)]
    assert totals.rows == 2


def test_load_csv__detail_in_two_columns__first_has_the_column(tmp_path: Path) -> None:
    names = {"Billing model": "a", "billing_model": "b", "pricing.billing_model": "c"}
    rows, _ = load_csv(csv_of(ROW | names, header=[*SAMPLE_HEADER, *names]), tmp_path)

    extra = {"Billing model": "a", "pricing.billing_model": "c"}
    assert [(row["billing_model"], row["extra"]) for row in rows] == [("b", extra)]


def test_load_csv__line_breaks_and_quotes_in_cells__are_kept(tmp_path: Path) -> None:
    name = 'Müller "Söhne",\r\nBerlin\nNord'
    rows, _ = load_csv(csv_of(ROW | {"tenant.name": name}, ROW), tmp_path)

    assert [row["tenant_name"] for row in rows] == [name, "Foobar"]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_load_csv__either_line_ending__is_read(tmp_path: Path, end: str) -> None:
    assert len(load_csv(csv_of(ROW, ROW, end=end), tmp_path)[0]) == 2


def test_load_csv__header_only__has_no_rows(tmp_path: Path) -> None:
    rows, totals = load_csv(csv_of(), tmp_path)

    assert (rows, totals.rows) == ([], 0)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (
            {"date": "2026-10-01"},
            "row 2: date is 2026-10-01, which is not a day from 2026-09-01 to 2026-09-30",
        ),
        ({"is_range": "no"}, "row 2: is_range is no, which is not true or false"),
        ({"is_range": ""}, "row 2: is_range is "),
        ({"usage.delta.trial": ""}, "row 2: usage.delta.trial is null, which is missing"),
        ({"usage.delta.trial": "0.1234567"}, "row 2: usage.delta.trial is 0.1234567, which is not a number"),
        ({"usage.delta.trial": "12e-7"}, "row 2: usage.delta.trial is 12e-7, which is not a number"),
        ({"usage.delta.trial": "1e22"}, "row 2: usage.delta.trial is 1e22, which is not a number"),
        ({"usage.delta.trial": "1e999"}, "row 2: usage.delta.trial is 1e999, which is not a number"),
        ({"usage.delta.trial": "1,5"}, "row 2: usage.delta.trial is 1,5, which is not a number"),
        ({"usage.delta.trial": "1" * 23}, "which is not a number of at most 22 digits and 6 decimals"),
        ({"tenant.id": ""}, "row 2: tenant.id is "),
        ({"infra.id": "x"}, "row 2: infra.id is x, which is not a UUID"),
    ],
)
def test_load_csv__bad_cell__is_refused_by_name(tmp_path: Path, changed: dict[str, str], reason: str) -> None:
    assert reason in refusal(csv_of(ROW, ROW | changed, ROW), tmp_path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (csv_of(ROW)[:-3], "line 2 has 28 cells, not 29: the file is damaged or cut short"),
        (csv_of(ROW)[:-2] + b'"', "cut short"),
        (b"a,b\r\n1,2\r\n", "the header lacks application.id"),
        (b'{"params": {}, "tenants": []}\n', "the header lacks"),
        (csv_of(ROW).replace(b"edition", b"date"), "the column date appears twice"),
        (
            csv_of(ROW, header=[*SAMPLE_HEADER, "sku", "Region", "SKU"]),
            "the columns sku and SKU differ in upper and lower case only",
        ),
        (
            csv_of(ROW, header=[*SAMPLE_HEADER, "Billing model", "BILLING_MODEL"]),
            "the columns billing_model and BILLING_MODEL differ in upper and lower case only",
        ),
        (csv_of(ROW, header=[*SAMPLE_HEADER, ""]), "a column of the header has no name"),
        (csv_of(ROW).replace(b"Foobar", b"Foo,bar"), ""),
        (csv_of(ROW).replace(b"Foobar,", b""), ""),
        (csv_of(ROW).replace(b"Foobar", b'"Foobar'), ""),
        (csv_of(ROW).replace(b"Foobar", b'"Foo"bar'), ""),
        (csv_of(ROW).replace(b"Foobar", b'"Foo\\"bar"'), ""),
        (csv_of(ROW, ROW | {"tenant.name": "Süd"}).replace("ü".encode(), b"\xfc"), "row 2 is not UTF-8"),
        (csv_of(ROW, ROW | {"tenant.name": "x" * (5 << 20)}), "row 2 is not valid CSV: field larger than"),
        (csv_of(ROW, ROW)[:-1] + csv_of(ROW).split(b"\n")[1], "row 2 ends with a lone carriage return"),
        (csv_of(ROW) + csv_of(ROW, ROW, end="\r").split(b"\r", 1)[1], "ends with a lone carriage return"),
        (csv_of(ROW) + b"\r\n" + csv_of(ROW), ""),
        (csv_of(ROW) + csv_of(ROW), ""),
    ],
)
def test_load_csv__not_a_report__is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    assert reason in refusal(content, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("tenant_name", ["Foobar", 'Müller "Söhne",\r\nBerlin\nNord'])
def test_load_csv__cut_within_record__is_refused(tmp_path: Path, tenant_name: str) -> None:
    row = ROW | {"tenant.name": tenant_name}
    whole = csv_of(row, row)
    header, first_row = len(csv_of()), len(csv_of(row))
    # The last cell is empty: a record is whole before its line break, within it and behind it.
    for length in (*range(0, header - 2, 11), *range(first_row + 1, len(whole) - 2)):
        refusal(whole[:length], tmp_path)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "last",
    [{}, {"edition": "pro"}, {"edition": 'Müller "Söhne",\r\nNord\n'}, {"tenant.name": "Süd\n,\n"}],
)
def test_load_csv__last_line_break_missing__is_read(tmp_path: Path, last: dict[str, str], end: str) -> None:
    whole = csv_of(ROW, ROW | last, end=end)

    assert load_csv(whole.removesuffix(end.encode()), tmp_path) == load_csv(whole, tmp_path)


def test_load_csv__header_without_line_break__has_no_rows(tmp_path: Path) -> None:
    rows, totals = load_csv(b"\xef\xbb\xbf" + csv_of().rstrip(), tmp_path)

    assert (rows, totals.rows) == ([], 0)


def test_load_csv__long_cell_in_unended_record__is_read(tmp_path: Path) -> None:
    rows, _ = load_csv(csv_of(ROW | {"tenant.name": "x" * 200_000}).rstrip(), tmp_path)

    assert [len(row["tenant_name"]) for row in rows] == [200_000]


def test_load_csv__folder_named_like_a_partition__is_no_column(tmp_path: Path) -> None:
    folder = tmp_path / "name=other"
    folder.mkdir()

    rows, _ = load_csv(csv_of(ROW), folder, REQUESTED)

    assert [row["offering_item"] for row in rows] == ["pw_servers"]


@pytest.mark.slow
def test_load_csv__records_within_a_cell__are_no_rows(tmp_path: Path) -> None:
    record = csv_of(ROW).decode().splitlines()[1]
    name = "\r\n".join(["Foobar", record, record, record, ""])

    rows, totals = load_csv(csv_of(*[{**ROW, "tenant.name": name}] * 40_000), tmp_path, REQUESTED)

    assert (totals.rows, totals.sums) == reference.control_totals(rows)
    assert len(rows) == 40_000
    assert {row["tenant_name"] for row in rows} == {name}
