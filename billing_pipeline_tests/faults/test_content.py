"""Corrupted reports: each is wrong as its fault says, and its stated size fits."""

from __future__ import annotations

import json
from typing import Any

import pytest

from billing_pipeline_tests.faults.catalogue import CATALOGUE
from billing_pipeline_tests.faults.sandbox import FaultySandbox
from billing_pipeline_tests.harness.api_caller import Caller

CONTENT = [name for name, fault in CATALOGUE.items() if fault.rule["fault"]["type"] == "content"]


@pytest.mark.slow
@pytest.mark.parametrize("name", CONTENT)
def test_corrupt__each_fault__differs_and_size_is_consistent(
    caller: Caller[FaultySandbox], name: str
) -> None:
    report_id = caller.create()
    good, sent = _contents_and_sizes(caller, report_id)
    sizes = {item["report_format"]: item["size"] for item in caller.saved(report_id)}
    assert sizes == sent
    caller.sandbox.set_faults(name)
    sizes = {item["report_format"]: item["size"] for item in caller.poll(report_id)}
    spoiled, sent = _contents_and_sizes(caller, report_id)
    struck = CATALOGUE[name].rule["format"]
    assert spoiled[struck] != good[struck]
    assert {key: content for key, content in spoiled.items() if key != struck} == {
        key: content for key, content in good.items() if key != struck
    }
    assert sizes == sent


def _contents_and_sizes(
    caller: Caller[FaultySandbox], report_id: str
) -> tuple[dict[str, bytes], dict[str, int]]:
    """Each file's content, and its size as it was sent: compressed."""
    answers = caller.download(report_id)
    return (
        {key: answer.content for key, answer in answers.items()},
        {key: int(answer.headers["Content-Length"]) for key, answer in answers.items()},
    )


def test_corrupt__json__wrong_as_the_fault_says(caller: Caller[FaultySandbox]) -> None:
    report_id = caller.create(formats=["json_v2_0"])
    good = caller.download(report_id)["json_v2_0"].json()
    middle = len(good["tenants"]) // 2

    def text(name: str) -> str:
        caller.sandbox.set_faults(name)
        return caller.download(report_id)["json_v2_0"].content.decode("utf-8", "surrogateescape")

    def total(name: str) -> Any:
        row = json.loads(text(name), parse_constant=str)["tenants"][middle]
        return row["usage"]["absolute"]["total"]

    assert total("json_nan") == "NaN"
    assert total("json_infinity") == "Infinity"
    assert total("json_null_measure") is None
    assert total("json_string_measure") == "18"
    assert total("json_boolean_measure") is True
    assert total("json_fractional_measure") == 18.5
    assert "1e400" in text("json_huge_measure")
    assert "trial" not in json.loads(text("json_missing_measure"))["tenants"][middle]["usage"]["delta"]
    assert json.loads(text("json_wrong_period"))["params"]["begin_date"] < good["params"]["begin_date"]
    assert json.loads(text("json_wrong_kind"))["params"]["report_type"] == 4
    assert "backup" in json.loads(text("json_unknown_layout"))["tenants"][1]["services"]
    assert "usage" in json.loads(text("json_renamed_list"))["tenants"][1]["services"][0]
    grouped = json.loads(text("json_grouped"))["tenants"]
    assert sum(len(element["usages"]) for element in grouped) == len(good["tenants"])
    assert [e["usages"] is None for e in json.loads(text("json_null_usages"))["tenants"]].count(True) == 1
    assert ["usages" in e for e in json.loads(text("json_missing_usages"))["tenants"]].count(False) == 1
    assert json.loads(text("json_no_rows"))["tenants"] == []
    assert list(json.loads(text("json_no_tenants"))) == ["params"]
    assert list(json.loads(text("json_no_params"))) == ["tenants"]
    assert '{"production":1,"production":' in text("json_repeated_key")
    assert "discount" in json.loads(text("json_unknown_field"))["tenants"][middle]
    for name in ("truncated", "without_last_brace", "trailing_garbage", "twice", "nothing", "login_page"):
        with pytest.raises(json.JSONDecodeError):
            json.loads(text(f"json_{name}"))
    assert text("json_byte_order_mark").startswith("\ufeff")
    assert "\udcff" in text("json_not_utf8")
    assert "\\ud800" in text("json_lone_surrogate")
