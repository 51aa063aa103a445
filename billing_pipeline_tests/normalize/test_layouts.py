"""Layouts of json_v2_0: the same rows, however they are grouped and however their fields are spelled."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing_pipeline.errors import ReportRefusedError
from billing_pipeline.normalize.refusals import UnknownLayoutError
from billing_pipeline_tests.normalize import reference
from billing_pipeline_tests.normalize.loading import FIRST_DAY, LAST_DAY, load_json, report_of, usage_row

LIST_NAMES = [
    "usages",
    "items",
    "services",
    "usage",
    "class",
    "Tenant",
    "usage_row",
    "report_row",
    "a b",
    "",
    "x.y",
]
OWNERS = ["tenant", "application", "infra"]
FLAT: dict[str, Callable[[str], str]] = {
    "dotted": lambda name: name.replace("_", ".", 1),
    "flat": lambda name: name,
    "camel": lambda name: name[0] + name.title().replace("_", "")[1:],
    "title": lambda name: name.replace("_", " ").title(),
}


def rows_of(count: int) -> list[dict[str, Any]]:
    """Rows of two tenants that differ in everything that a layout may move."""
    rows = []
    for number in range(count):
        row = usage_row(name=f"item_{number}", sku=None if number % 3 else f"SKU{number}")
        row["tenant"] = row["tenant"] | {
            "id": f"30000000-0000-4000-8000-{number // 4:012}",
            "customer_id": "7",
        }
        row["infra"] = {"id": f"40000000-0000-4000-8000-{number:012}", "name": "eu", "owner_id": None}
        row["usage"] = row["usage"] | {"delta": {"production": number, "total": number, "trial": 0}}
        rows.append(row)
    return rows


def spelled(row: dict[str, Any], style: str, owners: list[str]) -> dict[str, Any]:
    """The row with the fields of these owners given flat, such as `tenant.id` or `tenantId`."""
    found = {key: value for key, value in row.items() if key not in owners}
    for owner in owners:
        if owner in row:
            found |= {owner: row[owner]} if style == "nested" else {
                FLAT[style](f"{owner}_{key}"): value for key, value in row[owner].items()
            }  # fmt: skip
    return found


def grouped(
    rows: list[dict[str, Any]], by: list[str], names: list[str], within: bool
) -> list[dict[str, Any]]:
    """Elements with what rows share, by the first name of `by`, and a list of the rest, likewise."""
    if not by:
        return rows
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(json.dumps(row[by[0]]), []).append(row)
    elements: list[dict[str, Any]] = []
    for shared, members in groups.items():
        left = [{key: value for key, value in row.items() if key != by[0]} for row in members]
        content = grouped(left, by[1:], names[1:], within)
        owner = json.loads(shared)
        elements.append({by[0]: owner | {names[0]: content}} if within else {by[0]: owner, names[0]: content})
    return elements


@st.composite
def laid_out(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    rows = rows_of(draw(st.integers(1, 12)))
    by = draw(
        st.sampled_from([[], ["tenant"], ["tenant", "application"], ["application"], ["tenant", "infra"]])
    )
    names = draw(st.lists(st.sampled_from(LIST_NAMES), min_size=2, max_size=2))
    within = draw(st.booleans()) and "" not in names and "x.y" not in names
    style = draw(st.sampled_from(["nested", *FLAT]))
    owners = [owner for owner in OWNERS if owner not in by or not within]
    chance = random.Random(draw(st.integers(0, 99)))
    elements = [_spelled_throughout(element, style, owners) for element in grouped(rows, by, names, within)]
    if draw(st.booleans()):
        chance.shuffle(elements)
    return rows, elements


def _spelled_throughout(found: dict[str, Any], style: str, owners: list[str]) -> dict[str, Any]:
    renamed = spelled(found, style, [owner for owner in owners if isinstance(found.get(owner), dict)])
    return {
        key: [_spelled_throughout(each, style, owners) for each in value]
        if isinstance(value, list)
        else value
        for key, value in renamed.items()
    }


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(laid_out(), st.sampled_from([400, 1 << 20]))
def test_load__any_layout__gives_the_rows(
    case: tuple[list[dict[str, Any]], list[dict[str, Any]]], block_size: int
) -> None:
    rows, elements = case
    expected = reference.rows_of_json(report_of(*rows), FIRST_DAY, LAST_DAY)

    with TemporaryDirectory() as folder:
        loaded, totals = load_json(report_of(*elements), Path(folder), block_size=block_size)

    def without_position(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return sorted(({**row, "report_row": 0} for row in found), key=lambda row: row["offering_item"])

    assert without_position(loaded) == without_position(expected)
    assert totals.rows == len(rows)


ROW = usage_row()
TENANT = ROW["tenant"]
BARE_ROW = {key: value for key, value in ROW.items() if key != "tenant"}


@pytest.mark.parametrize("list_name", ["services", "usages"])
@pytest.mark.parametrize("block_size", [64, 1 << 20])
def test_load__list_empty_in_some_elements__loses_no_row(
    tmp_path: Path, list_name: str, block_size: int
) -> None:
    full, empty = {"tenant": TENANT, list_name: [BARE_ROW, BARE_ROW]}, {"tenant": TENANT, list_name: []}

    rows, _ = load_json(report_of(full, empty, full, empty), tmp_path, block_size=block_size)

    assert [row["report_row"] for row in rows] == [1, 2, 3, 4]


@pytest.mark.parametrize("before", [0, 1])
@pytest.mark.parametrize("block_size", [64, 1 << 20])
@pytest.mark.parametrize(
    "element",
    [
        {"tenant": TENANT, "a": [BARE_ROW], "b": [BARE_ROW]},
        {"tenant": TENANT, "usages": [BARE_ROW], "items": [BARE_ROW]},
        {"tenant": TENANT, "usages": [BARE_ROW], "services": [{"list": [BARE_ROW]}]},
        {"tenant": TENANT, "services": {"backup": [BARE_ROW]}},
        {"tenant": TENANT, "services": {"backup": BARE_ROW}},
        {"tenant": TENANT, "usages": [BARE_ROW], "services": {"backup": [BARE_ROW]}},
        {"tenant": TENANT, "usages": [[BARE_ROW]]},
        ROW | {"children": [ROW]},
        ROW | {"parent": ROW},
        {"tenant": TENANT, "usages": [BARE_ROW | {"children": [BARE_ROW]}]},
    ],
)
def test_load__usage_in_several_places__is_refused(
    tmp_path: Path, element: dict[str, Any], before: int, block_size: int
) -> None:
    good = {"tenant": TENANT, "usages": [BARE_ROW]}

    with pytest.raises(ReportRefusedError) as refused:
        load_json(report_of(*[good] * before, element, good), tmp_path, block_size=block_size)

    assert isinstance(refused.value, UnknownLayoutError) or "a row in 'usages' is [" in refused.value.what
    assert f"element {before + 1} of 'tenants'" in refused.value.what or "row" in refused.value.what


@pytest.mark.parametrize(
    ("fields", "column", "extra"),
    [
        ({"billing_model": "payg"}, "billing_model", None),
        ({"Billing model": "payg"}, "billing_model", None),
        ({"pricing": {"billingModel": "payg"}}, "billing_model", None),
        ({"sku.billing_model": "payg"}, "billing_model", None),
        (
            {"billing_model": "payg", "pricing.billing_model": "x"},
            "billing_model",
            {"pricing.billing_model": "x"},
        ),
        ({"infra": {"storage_type": "payg"}}, "storage_type", None),
        ({"Storage type": "payg"}, "storage_type", None),
        ({"pricing": {"tier_id": "payg"}}, "pricing_tier_id", None),
        ({"Pricing tier ID": "payg"}, "pricing_tier_id", None),
        ({"pricingTierId": "payg"}, "pricing_tier_id", None),
        ({"pricing": {"tier": "payg"}}, "pricing_tier_id", None),
        ({"sku_details": {"billing_model": "payg"}}, "billing_model", None),
        ({"a": {"b": {"storageType": "payg", "c": 1}}}, "storage_type", {"a.b.c": 1}),
        ({"model": "payg"}, None, {"model": "payg"}),
    ],
)
@pytest.mark.parametrize("before", [0, 1])
@pytest.mark.parametrize("block_size", [64, 1 << 20])
def test_load__sku_details_under_any_plausible_name__have_columns(  # noqa: PLR0917 - a matrix
    tmp_path: Path, fields: dict[str, Any], column: str | None, extra: Any, before: int, block_size: int
) -> None:
    loaded, _ = load_json(
        report_of(*[ROW] * before, *[usage_row(**fields)] * 2), tmp_path, block_size=block_size
    )

    for row in loaded[before:]:
        names = ("billing_model", "storage_type", "pricing_tier_id")
        assert {name: row[name] for name in names if row[name]} == ({column: "payg"} if column else {})
        assert row["extra"] == extra


@pytest.mark.parametrize("shape", [{"id": 3}, ["a"], True])
def test_load__sku_detail_that_is_no_text__is_in_extra(tmp_path: Path, shape: Any) -> None:
    loaded, _ = load_json(report_of(usage_row(storage_type=shape), usage_row(storage_type=3)), tmp_path)

    assert [(row["storage_type"], row["extra"]) for row in loaded] == [
        (None, {"storage_type": shape}),
        ("3", None),
    ]


def test_load__tenant_given_twice__keeps_the_field_of_that_name(tmp_path: Path) -> None:
    loaded, _ = load_json(report_of(usage_row(tenant_id="another")), tmp_path)

    assert [(str(row["tenant_id"]), row["extra"]) for row in loaded] == [
        (TENANT["id"], {"tenant_id": "another"})
    ]


@pytest.mark.parametrize(
    ("unknown", "extra"),
    [
        (
            {"billing": {"plan": "a", "terms": {"months": 12}}},
            {"billing.plan": "a", "billing.terms.months": 12},
        ),
        ({"billing": {}}, {"billing": {}}),
        ({"billing": {"plans": ["a"]}}, {"billing": {"plans": ["a"]}}),
        ({"billing": {"plan": None}}, {"billing.plan": None}),
    ],
)
def test_load__unknown_object__its_scalars_are_fields(tmp_path: Path, unknown: Any, extra: Any) -> None:
    loaded, _ = load_json(report_of(ROW, usage_row(**unknown)), tmp_path)

    assert [row["extra"] for row in loaded] == [None, extra]


UNLIKE_A_ROW: list[tuple[dict[str, Any], str]] = [
    ({"date": ...}, "date is missing"),
    ({"date": 1790726400}, "date is 1790726400, which is not a date"),
    ({"is_range": 0}, "is_range is 0, which is not true or false"),
    ({"tenant": [TENANT]}, "tenant.id is missing"),
    ({"tenant": {"uuid": TENANT["id"]}}, "tenant.id is missing"),
    ({"name": {"id": "storage"}}, 'name is {"id":"storage"}, which is not a text'),
    ({"sku": ["PWSRVRS"]}, 'sku is ["PWSRVRS"], which is not a text'),
    (
        {"usage": ROW["usage"] | {"delta": {"production": {"value": 3}}}},
        'usage.delta.production is {"value":3}, which is not a number of at most 22 digits and 6 decimals',
    ),
    ({"usage": {"absolute": ROW["usage"]["absolute"]}}, "usage.delta.production is missing"),
]


@pytest.mark.parametrize(("changed", "fault"), UNLIKE_A_ROW)
@pytest.mark.parametrize("is_grouped", [False, True])
@pytest.mark.parametrize("block_size", [64, 1 << 20])
def test_load__first_row_is_of_another_shape__layout_is_unknown(
    tmp_path: Path, changed: dict[str, Any], fault: str, *, is_grouped: bool, block_size: int
) -> None:
    other = {key: value for key, value in usage_row(**changed).items() if value is not ...}
    rows = [{"application": {}, "usages": [row]} for row in (other, ROW)] if is_grouped else [other, ROW]

    with pytest.raises(UnknownLayoutError, match=re.escape(f"row 1: {fault}; its keys are ")):
        load_json(report_of(*rows), tmp_path, block_size=block_size)
    with pytest.raises(ReportRefusedError, match=re.escape(f"row 2: {fault}")) as refused:
        load_json(report_of(*reversed(rows)), tmp_path, block_size=block_size)
    assert not isinstance(refused.value, UnknownLayoutError), "the first row shows the layout"


APPLICATION = ROW["application"]
INFRA = {"id": "40000000-0000-4000-8000-000000000001", "name": "eu"}
WITHOUT = {key: value for key, value in BARE_ROW.items() if key not in {"application", "infra"}}


@pytest.mark.parametrize(
    "element",
    [
        {"tenant": TENANT, **APPLICATION, "usages": [WITHOUT]},
        {"tenant": TENANT, "applications": [APPLICATION | {"rows": [WITHOUT]}]},
        {"tenant": TENANT, "application": APPLICATION, "infras": [INFRA | {"rows": [WITHOUT]}]},
        {"tenant": TENANT, "application": APPLICATION, "usages": [WITHOUT | INFRA | {"name": "vms"}]},
    ],
)
def test_load__id_without_an_owner__layout_is_unknown(tmp_path: Path, element: dict[str, Any]) -> None:
    with pytest.raises(UnknownLayoutError, match="row 1: it has an 'id', but not whose; its keys are "):
        load_json(report_of(element, element), tmp_path)


def test_load__id_of_its_own_beside_all_owners__is_in_extra(tmp_path: Path) -> None:
    loaded, _ = load_json(report_of(usage_row(id=7), ROW), tmp_path)

    assert [row["extra"] for row in loaded] == [{"id": 7}, None]


@pytest.mark.parametrize(
    "changed",
    [
        {"date": "2026-10-01"},
        {"date": None},
        {"is_range": "no"},
        {"tenant": TENANT | {"id": "x"}},
        {"usage": ROW["usage"] | {"delta": {"production": 0.30000000000000004, "total": 0, "trial": 0}}},
        {"usage": ROW["usage"] | {"delta": {"production": "1,5", "total": 0, "trial": 0}}},
    ],
)
def test_load__bad_value_in_the_first_row__is_refused(tmp_path: Path, changed: dict[str, Any]) -> None:
    with pytest.raises(ReportRefusedError, match="row 1: ") as refused:
        load_json(report_of(usage_row(**changed), ROW), tmp_path)

    assert not isinstance(refused.value, UnknownLayoutError)
