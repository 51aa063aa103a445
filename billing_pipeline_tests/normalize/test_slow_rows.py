"""The slow exact reader: rows with fields that Acronis added, or in another form, load exactly."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from billing_pipeline.normalize.layout import flattened
from billing_pipeline_tests.normalize.loading import load_json, report_of, usage_row

ROWS = 40
BLOCK = 4000


def grouped(rows: list[dict[str, Any]], **shared: Any) -> bytes:
    tenant = rows[0]["tenant"]
    bare = [{name: value for name, value in row.items() if name != "tenant"} for row in rows]
    return report_of(
        *[{"tenant": tenant, "usages": bare[at : at + 4]} | shared for at in range(0, len(bare), 4)]
    )


@pytest.mark.parametrize("form", ["flat", "grouped"])
@pytest.mark.parametrize(
    "added",
    [
        [{"region": 'eu-\u00fc "1"'}],
        [{"region": None}, {"region": 12345678901234567890123456789}],
        [{"region": True}, {}],
        [{"region": 1}, {"tier": "a"}, {"region": 2, "tier": None}],
        [{"infra": {"id": None, "zone": "b"}}],
        [{"it's {odd}": "x"}, {}],
    ],
)
def test_load__fields_added__are_in_extra(tmp_path: Path, form: str, added: list[dict[str, Any]]) -> None:
    plain = [usage_row() for _ in range(ROWS)]
    later = [usage_row(**added[at % len(added)]) for at in range(ROWS)]
    content = report_of(*plain, *later) if form == "flat" else grouped(plain + later)

    loaded, _ = load_json(content, tmp_path, block_size=BLOCK)

    names = {name for fields in added for name in fields} - {"infra"}
    expected = [
        {name: row[name] for name in names if name in row}
        | ({"infra.zone": row["infra"]["zone"]} if "zone" in row["infra"] else {})
        for row in plain + later
    ]
    assert [row["extra"] for row in loaded] == [extra or None for extra in expected]


@pytest.mark.parametrize("form", ["flat", "grouped"])
@pytest.mark.parametrize(
    "name", ["report_row", "Report_Row", "usage_row", "extra", "elements", "part", "numbered"]
)
def test_load__added_field_named_like_sql_alias__is_in_extra(tmp_path: Path, form: str, name: str) -> None:
    rows = [usage_row(**{name: number}) for number in range(ROWS)]

    loaded, _ = load_json(report_of(*rows) if form == "flat" else grouped(rows), tmp_path, block_size=BLOCK)

    assert [row["extra"] for row in loaded] == [{name: number} for number in range(ROWS)]
    assert [row["report_row"] for row in loaded] == list(range(1, ROWS + 1))


@pytest.mark.parametrize("name", ["report_row", "usage_row", "extra"])
def test_load__added_element_field_named_like_sql_alias__is_in_extra(tmp_path: Path, name: str) -> None:
    loaded, _ = load_json(
        grouped([usage_row() for _ in range(ROWS)], **{name: "eu"}), tmp_path, block_size=BLOCK
    )

    assert [row["extra"] for row in loaded] == [{name: "eu"}] * ROWS


def test_load__field_added_to_element__is_in_extra_of_its_rows(tmp_path: Path) -> None:
    content = grouped([usage_row() for _ in range(ROWS)], region="eu", batch=None)

    loaded, _ = load_json(content, tmp_path, block_size=BLOCK)

    assert {json.dumps(row["extra"]) for row in loaded} == {'{"region": "eu", "batch": null}'}


@pytest.mark.parametrize("field", ["pricing.price", "pricing.total_cost", "quota.value"])
def test_load__amounts_as_numbers__are_exact(tmp_path: Path, field: str) -> None:
    texts = ["0.1", "12345678.123456", "-0.0005", "1.10", "3", "99999999999999.5", "2.5E1", "null"]
    rows = []
    for at in range(ROWS):
        group, name = field.split(".")
        row = usage_row()
        row[group] = row[group] | {name: f"@{texts[at % len(texts)]}@"}
        rows.append(row)
    content = report_of(*rows).replace(b'"@', b"").replace(b'@"', b"")

    loaded, _ = load_json(content, tmp_path, block_size=BLOCK)

    column = {"pricing.price": "price", "pricing.total_cost": "total_cost", "quota.value": "quota"}[field]
    wanted = [None if text == "null" else Decimal(text) for text in texts]
    assert [row[column] for row in loaded] == [wanted[at % len(texts)] for at in range(ROWS)]


def test_load__amount_with_more_digits_than_a_double__is_exact(tmp_path: Path) -> None:
    rows = [usage_row(pricing={"price": "@0.5@"}) for _ in range(ROWS)]
    rows[30]["pricing"] = {"price": "@1234567890.123456789012@"}
    content = report_of(*rows).replace(b'"@', b"").replace(b'@"', b"")

    loaded, _ = load_json(content, tmp_path, block_size=BLOCK)

    assert [row["price"] for row in loaded] == [Decimal("0.5")] * 30 + [
        Decimal("1234567890.123456789012"),
        *[Decimal("0.5")] * 9,
    ]


@pytest.mark.parametrize("names", [("Name",), ("region", "Region"), ("",), ("x" * 200,), ("a\u0000b",)])
def test_load__added_names_that_duckdb_equates__are_in_extra(tmp_path: Path, names: tuple[str, ...]) -> None:
    added = {name: number for number, name in enumerate(names)}
    content = report_of(*[usage_row(**added) for _ in range(ROWS)])

    loaded, _ = load_json(content, tmp_path, block_size=BLOCK)

    assert [row["extra"] for row in loaded] == [added] * ROWS


def test_load__field_added_to_dotted_rows__is_in_extra(tmp_path: Path) -> None:
    plain = {name: value for name, _, value in flattened(usage_row())}
    rows = [plain] * ROWS + [plain | {"region": "eu"}] * ROWS

    loaded, _ = load_json(report_of(*rows), tmp_path, block_size=BLOCK)

    assert [row["extra"] for row in loaded] == [None] * ROWS + [{"region": "eu"}] * ROWS
