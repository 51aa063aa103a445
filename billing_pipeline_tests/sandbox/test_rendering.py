"""The files of one report hold the same rows, in JSON and CSV that strict readers take."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from billing_pipeline_tests.harness.api_caller import Caller
from billing_pipeline_tests.harness.recording_sandbox import RecordingSandbox

COLUMNS_OF_THE_REFERENCE = (  # noqa: SIM905 - a header as in the file
    "application.id,application.name,date,infra.backend_type,infra.id,infra.name,infra.owner_id,is_range,"
    "measurement_unit,name,pricing.currency,pricing.mode,pricing.price,pricing.total_cost,quota.value,"
    "tenant.customer_id,tenant.id,tenant.kind,tenant.name,usage.absolute.production,usage.absolute.total,"
    "usage.absolute.trial,usage.delta.production,usage.delta.total,usage.delta.trial,usage.effective.production,"
    "usage.effective.total,usage.effective.trial,edition"
).split(",")


def _flattened(value: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {prefix: value}
    flat: dict[str, Any] = {}
    for key, inner in value.items():
        flat |= _flattened(inner, f"{prefix}.{key}" if prefix else key)
    return flat


def _strict(text: str) -> Any:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len({key for key, _ in pairs}) == len(pairs)
        return dict(pairs)

    return json.loads(text, parse_constant=refuse, object_pairs_hook=unique)


def _rows_of_json(report: dict[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for element in report["tenants"]:
        nested = element.get("usages")
        rows += [element] if nested is None else [row | {"tenant": element["tenant"]} for row in nested]
    return [_flattened(row) for row in rows]


def _as_csv_text(value: Any) -> str:
    return "" if value is None else str(value)


@pytest.mark.parametrize("layout", ["flat", "grouped"])
@pytest.mark.parametrize("show_skus", [True, False])
def test_report_files__json_and_csv__hold_the_same_rows(
    open_sandbox: Callable[..., Caller[RecordingSandbox]], layout: str, show_skus: bool
) -> None:
    caller = open_sandbox(tenants=30, json_layout=layout)
    files = caller.download(caller.create(show_skus=show_skus))
    from_json = _rows_of_json(_strict(files["json_v2_0"].content.decode()))
    text = files["csv_v2_0"].content.decode()
    assert text.endswith("\r\n")
    from_csv = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    assert list(from_csv[0]) == COLUMNS_OF_THE_REFERENCE + (["sku"] if show_skus else [])
    assert len(from_json) == len(from_csv) > 500
    for json_row, csv_row in zip(from_json, from_csv, strict=True):
        assert set(json_row) - {"sku"} == set(csv_row) - {"sku"}
        assert {name: _as_csv_text(json_row.get(name)) for name in csv_row} == csv_row
    assert any("sku" in row for row in from_json) is show_skus
    if show_skus:
        assert {("sku" in row, row.get("sku")) for row in from_json} >= {
            (False, None),
            (True, None),
            (True, ""),
        }


def test_report_files__measures__total_is_production_plus_trial(
    shared_caller: Caller[RecordingSandbox],
) -> None:
    files = shared_caller.download(shared_caller.create(hide_zero_usage=False))
    for row in files["json_v2_0"].json()["tenants"]:
        for measure in row["usage"].values():
            assert measure["total"] == measure["production"] + measure["trial"]
            assert all(type(value) is int for value in measure.values())


@pytest.mark.slow
def test_report_files__params__state_period_level_and_kind(
    shared_caller: Caller[RecordingSandbox], open_sandbox: Callable[..., Caller[RecordingSandbox]]
) -> None:
    report = shared_caller.download(shared_caller.create())["json_v2_0"].json()
    assert list(report) == ["params", "tenants"]
    # 1788220800 is 2026-09-01T00:00:00Z; 30 days later less one second is the period's last one.
    assert report["params"]["begin_date"] == 1788220800
    assert report["params"]["end_date"] == 1788220800 + 30 * 86400 - 1
    assert report["params"]["gen_date"] == 1795406400  # 2026-11-23T04:00:00Z
    assert (report["params"]["report_level"], report["params"]["report_type"]) == (1, 5)
    assert {row["date"] for row in report["tenants"]} == {"2026-09-30"}
    small = open_sandbox(tenants=3)
    report = small.download(small.create(kind="usage_daily", level="all_customers"))["json_v2_0"].json()
    assert (report["params"]["report_level"], report["params"]["report_type"]) == (2, 4)
    assert len({row["date"] for row in report["tenants"]}) == 30


def test_report_files__usage_current__is_as_of_yesterday(shared_caller: Caller[RecordingSandbox]) -> None:
    report = shared_caller.download(shared_caller.create(kind="usage_current"))["json_v2_0"].json()
    # 1793491200 is 2026-11-01T00:00:00Z, and 2026-11-23 is the sandbox's day.
    assert report["params"]["begin_date"] == 1793491200
    assert report["params"]["end_date"] == 1793491200 + 22 * 86400 - 1
    assert {row["date"] for row in report["tenants"]} == {"2026-11-22"}


def test_report_files__period_before_first_tenant__empty_but_complete(
    shared_caller: Caller[RecordingSandbox],
) -> None:
    report_id = shared_caller.create(period={"start": "2014-01-01", "end": "2014-01-31"})
    files = shared_caller.download(report_id)
    assert files["json_v2_0"].json()["tenants"] == []
    assert len(files["csv_v2_0"].text.splitlines()) == 1


def test_report_files__html_format__note_that_it_is_not_rendered(
    shared_caller: Caller[RecordingSandbox],
) -> None:
    files = shared_caller.download(shared_caller.create(formats=["html", "csv_v2_0"]))
    assert "does not render html" in files["html"].text
    assert files["csv_v2_0"].text.startswith("application.id,")
