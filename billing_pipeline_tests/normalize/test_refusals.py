"""Refused rows: the message names row, field and value."""

from __future__ import annotations

import json
from decimal import Context, Decimal
from pathlib import Path
from typing import Any

import pytest

from billing_pipeline.errors import ReportRefusedError
from billing_pipeline.normalize import JsonReport
from billing_pipeline_tests.normalize.loading import PARAMS, load_json, refusal, report_of, usage_row

GOOD = usage_row()


def with_measure(token: str) -> bytes:
    """Three rows; the second has this text for a measure."""
    content = report_of(GOOD, GOOD, GOOD).decode()
    first = content.index('"delta": {"production": 3')
    second = content.index('"delta": {"production": 3', first + 1)
    return (
        content[:second] + content[second:].replace('"production": 3', f'"production": {token}', 1)
    ).encode()


@pytest.mark.parametrize("block_size", [64, 1 << 20])
@pytest.mark.parametrize(
    ("token", "reason"),
    [
        (
            "18.1234567",
            "usage.delta.production is 18.1234567, which is not a number of at most 22 digits and 6",
        ),
        ('"eighteen"', 'usage.delta.production is "eighteen", which is not a number'),
        ('"1,5"', 'usage.delta.production is "1,5", which is not a number'),
        ('" 18"', 'usage.delta.production is " 18", which is not a number'),
        ('"1_8"', 'usage.delta.production is "1_8", which is not a number'),
        ('"NaN"', 'usage.delta.production is "NaN", which is not a number'),
        ('""', "usage.delta.production is missing"),
        ("0.30000000000000004", "is 0.30000000000000004, which is not a number of at most 22 digits and 6"),
        ("true", "usage.delta.production is true, which is not a number"),
        ("null", "usage.delta.production is missing"),
        ("[1]", "usage.delta.production is [1], which is not a number"),
        ("NaN", "NaN is not a number"),
        ("Infinity", "Infinity is not a number"),
        ("-Infinity", "-Infinity is not a number"),
        ("4.00000000000000000001", "is 4.00000000000000000001, which is not a number of at most"),
        ("1e22", "is 1E+22, which is not a number of at most 22 digits"),
        ("1e-7", "is 1E-7, which is not a number of at most 22 digits and 6 decimals"),
        ("1e999999999999", "not a number of at most 22 digits"),
        ("1" + "0" * 22, "which is not a number of at most 22 digits"),
        ("-1" + "0" * 22, "which is not a number of at most 22 digits"),
        ("9" * 6000, "which is not a number of at most 22 digits"),
        ("01", "not valid JSON"),
        ("", "not valid JSON"),
        ("0x10", "not valid JSON"),
        ("1 2", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
    ],
)
def test_load__billed_measure_not_held_exactly__is_refused_by_name(
    tmp_path: Path, token: str, reason: str, block_size: int
) -> None:
    message = refusal(with_measure(token), tmp_path, block_size=block_size)

    assert message.startswith("row 2: "), message
    assert reason in message


@pytest.mark.parametrize(
    ("token", "number"),
    [("1e3", 1000), ("1500.0", 1500), ("-0", 0), ("-0.0", 0), ("0.0e5", 0), ("2.5E1", 25)]
    + [(str(n), n) for n in (2**63, 2**64, -(2**63) - 1, 10**22 - 1, 1 - 10**22, 9007199254740993)]
    + [
        ("9007199254740993.0", 9007199254740993),
        ("1.234567890123456789012e21", 1234567890123456789012),
        ("0.5", Decimal("0.5")),
        ("-0.000001", Decimal("-0.000001")),
        ("87.100", Decimal("87.1")),
        ("9999999999999999999999.999999", Decimal("9999999999999999999999.999999")),
    ],
)
@pytest.mark.parametrize("quote", ["", '"'])
def test_load__measure_in_any_notation__is_exact(
    tmp_path: Path, token: str, number: int | Decimal, quote: str
) -> None:
    rows, totals = load_json(with_measure(quote + token + quote), tmp_path)

    assert [row["delta_production"] for row in rows] == [3, number, 3]
    assert totals.sums["quantity"]["delta_production"] == _EXACT.add(6, Decimal(number))


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"date": "2026-10-01"}, "date is 2026-10-01, which is not a day from 2026-09-01 to 2026-09-30"),
        ({"date": "2026-9-30"}, "date is 2026-9-30, which is not a day"),
        ({"date": "infinity"}, "date is infinity, which is not a day"),
        ({"date": "2026-09-30 (BC)"}, "which is not a day"),
        ({"date": ""}, "date is , which is not a day"),
        ({"date": None}, "date is missing"),
        ({"date": 20260930}, "date is 20260930, which is not a date"),
        ({"name": None}, "name is missing"),
        ({"name": ""}, "name is , which is empty or missing"),
        ({"is_range": "no"}, 'is_range is "no", which is not true or false'),
        ({"is_range": ""}, 'is_range is "", which is not true or false'),
        ({"is_range": None}, "is_range is missing"),
        ({"is_range": 0}, "is_range is 0, which is not true or false"),
        ({"sku": ["ACRCLST"]}, 'sku is ["ACRCLST"], which is not a text'),
        ({"edition": True}, "edition is true, which is not a text"),
        ({"measurement_unit": False}, "measurement_unit is false, which is not a text"),
        ({"usage": None}, "usage.absolute.production is missing"),
        ({"usage": []}, "usage.absolute.production is missing"),
        ({"tenant": None}, "tenant.id is missing"),
        ({"tenant": {"id": ""}}, "tenant.id is , which is missing"),
        ({"tenant": {"id": "0fcd4a69"}}, "tenant.id is 0fcd4a69, which is not a UUID"),
        ({"infra": {"id": "not-a-uuid"}}, "infra.id is not-a-uuid, which is not a UUID"),
        ({"infra": {"owner_id": "x" * 500}}, "which is not a UUID"),
        ({"tenant.id": "0fcd4a69-8a40-4de8-b711-d9c83dc000f7"}, "tenant.id is given twice"),
        ({"date": "2026\r\n\n09\x1b[2J"}, "date is 2026\\r\\n\\n09\\x1b[2J, which is not a day from"),
    ],
)
@pytest.mark.parametrize("block_size", [64, 1 << 20])
def test_load__bad_field__is_refused_by_name(
    tmp_path: Path, changed: dict[str, Any], reason: str, block_size: int
) -> None:
    message = refusal(report_of(GOOD, GOOD, usage_row(**changed), GOOD), tmp_path, block_size=block_size)

    assert message.startswith("row 3: "), message
    assert reason in message
    assert message.isprintable()
    assert len(message) < 400


_EXACT = Context(prec=60)
_SHAPES: list[tuple[str, Any]] = [
    ("0.1234567890123456789", None),
    ("1e33", None),
    (str(2**63), 2**63),
    ("1" + "0" * 40, None),
    ("1e400", None),
    ("1e-13", None),
    ("1e999999999", None),
    ("true", None),
    ("[1]", None),
    ('"1,5"', None),
    ('" 1"', None),
    ('"1\\n"', None),
    ('"abc"', None),
    ('"1e3"', 1000),
    ('"1.50"', Decimal("1.5")),
    ("1.5e3", 1500),
]


@pytest.mark.parametrize("block_size", [64, 1 << 20])
@pytest.mark.parametrize(("token", "amount"), _SHAPES)
@pytest.mark.parametrize(
    ("column", "place"), [("price", '"price": null'), ("quota", '"quota": {"value": null')]
)
def test_load__amount_in_any_shape__is_exact_or_kept_in_extra(  # noqa: PLR0917 - a matrix
    tmp_path: Path, token: str, amount: Any, column: str, place: str, block_size: int
) -> None:
    content = report_of(GOOD, GOOD).decode()
    at = content.rindex(place)
    content = content[:at] + content[at:].replace(place, place.replace("null", token))

    rows, totals = load_json(content.encode(), tmp_path, block_size=block_size)

    field = {"price": "pricing.price", "quota": "quota.value"}[column]
    kept = None if amount is not None else {field: json.loads(token, parse_float=Decimal)}
    assert [(row[column], row["extra"]) for row in rows] == [(None, None), (amount, kept)]
    assert totals.rows == 2


@pytest.mark.parametrize("block_size", [64, 1 << 20])
@pytest.mark.parametrize(
    ("effective", "columns", "extra"),
    [
        ({"production": 0.5, "total": "0.75", "trial": 0.25}, (Decimal("0.5"), Decimal("0.75")), None),
        ({"production": None, "trial": 2}, (None, None), None),
        (None, (None, None), None),
        (
            {"production": 0.30000000000000004, "total": [1], "trial": 2},
            (None, None),
            {"usage.effective.production": Decimal("0.30000000000000004"), "usage.effective.total": [1]},
        ),
    ],
)
def test_load__effective_in_any_shape__is_exact_or_kept_in_extra(
    tmp_path: Path, effective: Any, columns: tuple[Any, Any], extra: Any, block_size: int
) -> None:
    row = usage_row()
    row["usage"] = row["usage"] | {"effective": effective}

    rows, totals = load_json(report_of(GOOD, row), tmp_path, block_size=block_size)

    assert (rows[1]["effective_production"], rows[1]["effective_total"]) == columns
    assert rows[1]["extra"] == extra
    assert totals.sums["quantity"]["effective_production"] == 3 + (columns[0] or 0)


@pytest.mark.parametrize("block_size", [64, 1 << 20])
@pytest.mark.parametrize(
    ("changed", "columns"),
    [
        ({"sku": 5}, {"sku": "5"}),
        ({"edition": 1.0}, {"edition": "1.0"}),
        ({"is_range": "FALSE"}, {"is_range": False}),
        ({"is_range": "True"}, {"is_range": True}),
        ({"application": {"name": 5}}, {"application_name": "5"}),
        ({"pricing": {"mode": ["a"]}}, {"pricing_mode": None, "extra": {"pricing.mode": ["a"]}}),
        ({"infra": {"name": False}}, {"infra_name": None, "extra": {"infra.name": False}}),
        (
            {"tenant": GOOD["tenant"] | {"customer_id": {"no": 7}}},
            {"customer_id": None, "extra": {"tenant.customer_id": {"no": 7}}},
        ),
    ],
)
def test_load__text_or_flag_in_another_shape__is_taken_or_kept_in_extra(
    tmp_path: Path, changed: dict[str, Any], columns: dict[str, Any], block_size: int
) -> None:
    rows, _ = load_json(report_of(GOOD, usage_row(**changed)), tmp_path, block_size=block_size)

    assert {name: rows[1][name] for name in columns} == columns


@pytest.mark.parametrize(
    ("element", "reason"),
    [
        (None, "row 2: element 2 of 'tenants' is None, not an object"),
        (7, "row 2: element 2 of 'tenants' is 7, not an object"),
        ([], "row 2: element 2 of 'tenants' is [], not an object"),
        ({}, "row 2: date is missing"),
        (
            {"usages": None, "tenant": GOOD["tenant"]},
            "element 2 of 'tenants' has no list of rows: 'usages' is None",
        ),
        (
            {"items": {}, "tenant": GOOD["tenant"]},
            "element 2 of 'tenants' has no list of rows: 'items' is {}",
        ),
        ({"usages": [None]}, "row 2: a row in 'usages' is None, not an object"),
        ({"usages": [GOOD, {}]}, "row 3: date is missing"),
    ],
)
@pytest.mark.parametrize("block_size", [64, 1 << 20])
def test_load__element_not_a_row__is_refused_by_position(
    tmp_path: Path, element: Any, reason: str, block_size: int
) -> None:
    assert reason in refusal(report_of(GOOD, element, GOOD), tmp_path, block_size=block_size)


@pytest.mark.parametrize("rows", [None, "x", {}, 5])
def test_load__grouped_element_without_rows__is_refused_by_position(tmp_path: Path, rows: Any) -> None:
    row = usage_row()
    tenant = row.pop("tenant")
    good = {"tenant": tenant, "usages": [row]}

    assert "element 2 of 'tenants' has no list of rows" in refusal(
        report_of(good, {"tenant": tenant, "usages": rows}, good), tmp_path
    )
    assert "row 2: date is missing" in refusal(report_of(good, {"tenant": tenant}, good), tmp_path)


@pytest.mark.parametrize("rows_key", ["usages", "items"])
@pytest.mark.parametrize("before", [0, 1])
@pytest.mark.parametrize("second", [[GOOD], {"a": GOOD}])
def test_load__element_with_two_lists__is_refused_by_position(
    tmp_path: Path, rows_key: str, before: int, second: Any
) -> None:
    row = usage_row()
    good = {"tenant": row.pop("tenant"), rows_key: [row]}
    both = {"items": second, "usages": second} | good

    message = refusal(report_of(*[good] * before, both, good), tmp_path)

    assert f"element {before + 1} of 'tenants' has usage in items and usages" in message


@pytest.mark.parametrize("block_size", [64, 1 << 20])
def test_load__nulls__unknown_fields_kept_known_objects_dropped(tmp_path: Path, block_size: int) -> None:
    report = report_of(
        GOOD, usage_row(region=None), usage_row(region=None, infra=None), usage_row(infra=None)
    )

    rows, _ = load_json(report, tmp_path, block_size=block_size)

    assert [row["extra"] for row in rows] == [None, {"region": None}, {"region": None}, None]


@pytest.mark.parametrize("second", [None, []])
def test_load__second_list_empty__has_no_rows(tmp_path: Path, second: Any) -> None:
    row = usage_row()
    good = {"tenant": row.pop("tenant"), "usages": [row]}

    rows, _ = load_json(report_of(good, good | {"items": second}), tmp_path)

    assert [row["delta_total"] for row in rows] == [5, 5]


@pytest.mark.parametrize(
    "element",
    [{"tenant": {"id": 1}, "services": []}, {"a": 1}, {"tenant": {}, "usages": [{"value": 3}]}, 5, None, []],
)
def test_load__unknown_layout__is_refused_with_its_keys(tmp_path: Path, element: Any) -> None:
    message = refusal(report_of(element), tmp_path)

    assert (
        all(key in message for key in element or ())
        if isinstance(element, dict)
        else "element 1 of 'tenants' is of type" in message and "its keys are none" in message
    )


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ('"name": "pw_servers"', '"name": "x", "name": "pw_servers"', "the key 'name' appears twice"),
        (
            '"customer_id": null',
            '"customer_id": null, "customer_id": null',
            "the key 'customer_id' appears twice",
        ),
        ('"trial": 2}', '"trial": 2, "tri\\u0061l": 3}', "the key 'trial' appears twice"),
        ('"sku": "PWSRVRS"', '"sku": "\\ud83d"', "half of a surrogate pair"),
        ('"sku": "PWSRVRS"', '"sku": "\\udc00\\ud83d"', "half of a surrogate pair"),
        ('"sku": "PWSRVRS"', '"sku": "a\nb"', "not valid JSON"),
        ('"sku": "PWSRVRS"', '"sku": "\\x"', "not valid JSON"),
        ('"sku": "PWSRVRS"', "\"sku\": 'x'", "not valid JSON"),
        ('"sku": "PWSRVRS"', '"sku": "x",', "not valid JSON"),
        ('"sku": "PWSRVRS"', '/* none */ "sku": "x"', "not valid JSON"),
        ('"sku": "PWSRVRS"', '"deep": ' + '{"a":' * 50_000 + "1" + "}" * 50_000, "nested too deeply"),
    ],
)
@pytest.mark.parametrize("block_size", [64, 1 << 20])
def test_load__nearly_json__is_refused(
    tmp_path: Path, before: str, after: str, reason: str, block_size: int
) -> None:
    content = report_of(GOOD, GOOD).decode()
    place = content.rindex(before)
    message = refusal(
        (content[:place] + content[place:].replace(before, after)).encode(), tmp_path, block_size=block_size
    )

    assert message.startswith("row 2: "), message
    assert reason in message


@pytest.mark.parametrize("behind", ["\n{}\n{}", "\n\n\x1b[2J", "\n" + report_of(GOOD).decode()])
def test_load__text_behind_report__message_is_one_line(tmp_path: Path, behind: str) -> None:
    message = refusal(report_of(GOOD) + behind.encode(), tmp_path)

    assert message.isprintable(), message


def test_load__bytes_not_utf_8__are_refused(tmp_path: Path) -> None:
    content = report_of(GOOD, GOOD)
    place = content.rindex(b"Foobar")

    assert "is not UTF-8" in refusal(content[:place] + b"\xff" + content[place + 1 :], tmp_path)


@pytest.mark.parametrize(
    "rows",
    [
        f"{json.dumps(GOOD)},",
        f"{json.dumps(GOOD)}," + " " * 2000,
        f"{json.dumps(GOOD)}," * 9 + " " * 9000,
        f",{json.dumps(GOOD)}",
        ",",
        f"{json.dumps(GOOD)},,{json.dumps(GOOD)}",
    ],
)
@pytest.mark.parametrize("block_size", [64, 1 << 20])
def test_load__extra_comma__is_refused(tmp_path: Path, rows: str, block_size: int) -> None:
    content = f'{{"params": {json.dumps(PARAMS)}, "tenants": [{rows}]}}'.encode()

    assert refusal(content, tmp_path, block_size=block_size)


@pytest.mark.parametrize(
    "seconds",
    [36 * 10**18 - 18, -(36 * 10**18) + 18, 10**22 - 1],
)
def test_load__too_many_compute_points__are_refused_by_name(tmp_path: Path, seconds: int) -> None:
    row = usage_row(measurement_unit="seconds")
    row["usage"] = row["usage"] | {"delta": {"production": 0, "trial": 0, "total": seconds}}

    assert refusal(report_of(GOOD, row), tmp_path) == (
        f"row 2: usage.delta.total is {seconds}.000000, which is more compute points"
        " than DECIMAL(18, 2) holds"
    )


def test_report__refused__stays_refused(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(report_of(GOOD, usage_row(sku=[5])))

    with JsonReport(path, None, tmp_path / "work") as report:
        for ask in (lambda: list(report.selects()), report.control_totals):
            with pytest.raises(ReportRefusedError, match=r"row 2: sku is \[5\]"):
                ask()
