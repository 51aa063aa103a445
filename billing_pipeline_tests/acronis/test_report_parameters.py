"""Recognising a report of the API as the one that was requested."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from billing_pipeline.acronis import Report, differences, matches_exactly, request_body
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.reports import ReportParameters
from billing_pipeline_tests.harness.scripted_server import REPORT_ID, TENANT_ID

PARAMETERS = ReportParameters(TENANT_ID, BillingPeriod(2024, 2), "usage_summary", "direct_partners")
PARAMETERS_LIKE_IT = st.builds(
    ReportParameters,
    tenant_id=st.sampled_from([TENANT_ID, REPORT_ID]),
    period=st.builds(BillingPeriod, st.integers(2023, 2024), st.integers(1, 2)),
    kind=st.sampled_from(["usage_summary", "usage_daily"]),
    level=st.sampled_from(["direct_partners", "accounts"]),
    hide_zero_usage=st.booleans(),
    show_skus=st.booleans(),
    formats=st.sampled_from([("json_v2_0",), ("json_v2_0", "csv_v2_0")]),
)


def described(changes: dict[str, Any] | None = None, **parameters: Any) -> Report:
    """The requested report as the API describes it; a parameter of None is left out."""
    body = copy.deepcopy(request_body(PARAMETERS)) | {"id": REPORT_ID} | (changes or {})
    merged = {**body["parameters"], **parameters}
    body["parameters"] = {name: value for name, value in merged.items() if value is not None}
    return Report.model_validate(body)


@given(PARAMETERS_LIKE_IT)
def test_report_parameters__written_as_json__read_back_equal(requested: ReportParameters) -> None:
    adapter = TypeAdapter(ReportParameters)
    assert adapter.validate_json(adapter.dump_json(requested)) == requested


@given(PARAMETERS_LIKE_IT, PARAMETERS_LIKE_IT)
def test_matches_exactly__any_two_requests__only_the_same_one_matches(
    requested: ReportParameters, other: ReportParameters
) -> None:
    report = Report.model_validate({"id": REPORT_ID, **request_body(other)})
    same = request_body(requested) == {
        **request_body(other),
        "parameters": request_body(requested)["parameters"],
    } and all(
        request_body(requested)["parameters"][name] == value
        for name, value in request_body(other)["parameters"].items()
        if name != "formats"
    )
    expected = same and set(requested.formats) <= set(other.formats)
    assert matches_exactly(requested, report) == expected
    assert (differences(requested, report) == []) == expected


def test_request_body__february__ends_on_its_last_day() -> None:
    assert request_body(PARAMETERS)["parameters"]["period"] == {"start": "2024-02-01", "end": "2024-02-29"}


@pytest.mark.parametrize(
    ("report", "difference"),
    [
        (described(tenant_id=REPORT_ID), f"tenant_id is {REPORT_ID}"),
        (described(kind="usage_daily"), "kind is usage_daily"),
        (described(level="accounts"), "level is accounts"),
        (described(period={"start": "2024-02-01", "end": "2024-02-28"}), "end is 2024-02-28"),
        (described(period={"start": "2024-01-01", "end": "2024-02-29"}), "start is 2024-01-01"),
        (described(show_skus=False), "show_skus is false"),
        (described(hide_zero_usage="yes"), "hide_zero_usage is yes"),
        (described(formats=["csv_v2_0", "html"]), "format json_v2_0 is missing"),
        (described({"schedule": {"type": "monthly"}}), "schedule is monthly"),
        (described({"result_action": "send"}), "result_action is send"),
    ],
)
def test_differences__one_parameter_differs__names_it(report: Report, difference: str) -> None:
    (found,) = differences(PARAMETERS, report)
    assert found.startswith(difference)
    assert not matches_exactly(PARAMETERS, report)


@pytest.mark.parametrize("name", ["tenant_id", "kind", "level", "period", "formats"])
def test_matches_exactly__essential_key_missing__is_no_match(name: str) -> None:
    report = described(**{name: None})
    assert differences(PARAMETERS, report) == []
    assert not matches_exactly(PARAMETERS, report)


@pytest.mark.parametrize("name", ["hide_zero_usage", "show_skus"])
def test_matches_exactly__flag_missing_as_in_the_tutorial__matches(name: str) -> None:
    assert matches_exactly(PARAMETERS, described(**{name: None}))


def test_matches_exactly__days_written_as_times__matches() -> None:
    times = {"start": "2024-02-01T00:00:00Z", "end": "2024-02-29T23:59:59Z"}
    assert matches_exactly(PARAMETERS, described(period=times))
    assert differences(PARAMETERS, described(period={**times, "end": "2024-03-31T23:59:59Z"}))


def test_matches_exactly__tenant_id_in_capitals__matches() -> None:
    assert matches_exactly(PARAMETERS, described(tenant_id=TENANT_ID.upper()))
    assert (
        ReportParameters(TENANT_ID.upper(), PARAMETERS.period, PARAMETERS.kind, PARAMETERS.level)
        == PARAMETERS
    )


@pytest.mark.parametrize(
    "stored",
    [{}, {"parameters": None}, {"tenant_id": TENANT_ID, "period": "2026", "kind": "k", "level": "l"}],
)
def test_report_parameters__stored_by_another_version__refused(stored: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(ReportParameters).validate_python(stored)
