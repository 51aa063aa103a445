"""Whether a report of the API is the one that was ordered."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing_pipeline.acronis import Report, ReportOrder
from billing_pipeline.periods import BillingPeriod
from billing_pipeline_tests.acronis.wire import REPORT_ID, TENANT_ID

ORDER = ReportOrder(TENANT_ID, BillingPeriod(2024, 2), "usage_summary", "direct_partners")
ORDERS = st.builds(
    ReportOrder,
    tenant_id=st.sampled_from([TENANT_ID, REPORT_ID]),
    period=st.builds(BillingPeriod, st.integers(2023, 2024), st.integers(1, 2)),
    kind=st.sampled_from(["usage_summary", "usage_daily"]),
    level=st.sampled_from(["direct_partners", "accounts"]),
    hide_zero_usage=st.booleans(),
    show_skus=st.booleans(),
    formats=st.sampled_from([("json_v2_0",), ("json_v2_0", "csv_v2_0")]),
)


def told(changes: dict[str, Any] | None = None, **parameters: Any) -> Report:
    """The report of the order as the API would describe it; a parameter of None is left out."""
    body = copy.deepcopy(ORDER.body()) | {"id": REPORT_ID} | (changes or {})
    merged = {**body["parameters"], **parameters}
    body["parameters"] = {name: value for name, value in merged.items() if value is not None}
    return Report.model_validate(body)


@given(ORDERS)
def test_an_order_is_read_back_from_its_body(order: ReportOrder) -> None:
    assert ReportOrder.from_body(order.body()) == order


@given(ORDERS, ORDERS)
def test_an_order_is_recognised_and_no_other(order: ReportOrder, other: ReportOrder) -> None:
    report = Report.model_validate({"id": REPORT_ID, **other.body()})
    same = order.body() == {**other.body(), "parameters": order.body()["parameters"]} and all(
        order.body()["parameters"][name] == value
        for name, value in other.body()["parameters"].items()
        if name != "formats"
    )
    wanted = same and set(order.formats) <= set(other.formats)
    assert order.is_surely(report) == wanted
    assert (order.differences(report) == []) == wanted


def test_the_whole_month_is_ordered_with_its_last_day() -> None:
    assert ORDER.body()["parameters"]["period"] == {"start": "2024-02-01", "end": "2024-02-29"}


@pytest.mark.parametrize(
    ("report", "difference"),
    [
        (told(tenant_id=REPORT_ID), f"tenant_id is {REPORT_ID}"),
        (told(kind="usage_daily"), "kind is usage_daily"),
        (told(level="accounts"), "level is accounts"),
        (told(period={"start": "2024-02-01", "end": "2024-02-28"}), "end is 2024-02-28"),
        (told(period={"start": "2024-01-01", "end": "2024-02-29"}), "start is 2024-01-01"),
        (told(show_skus=False), "show_skus is false"),
        (told(hide_zero_usage="yes"), "hide_zero_usage is yes"),
        (told(formats=["csv_v2_0", "html"]), "format json_v2_0 is missing"),
        (told({"schedule": {"type": "monthly"}}), "schedule is monthly"),
        (told({"result_action": "send"}), "result_action is send"),
    ],
)
def test_each_difference_is_named(report: Report, difference: str) -> None:
    (found,) = ORDER.differences(report)
    assert found.startswith(difference)
    assert not ORDER.is_surely(report)


@pytest.mark.parametrize("name", ["tenant_id", "kind", "level", "period", "formats"])
def test_what_is_left_out_is_no_difference_but_not_enough_to_adopt(name: str) -> None:
    report = told(**{name: None})
    assert ORDER.differences(report) == []
    assert not ORDER.is_surely(report)


@pytest.mark.parametrize("name", ["hide_zero_usage", "show_skus"])
def test_flags_are_left_out_by_the_tutorials_answer(name: str) -> None:
    assert ORDER.is_surely(told(**{name: None}))


def test_the_tenants_id_may_be_written_in_capitals() -> None:
    assert ORDER.is_surely(told(tenant_id=TENANT_ID.upper()))
    assert ReportOrder(TENANT_ID.upper(), ORDER.period, ORDER.kind, ORDER.level) == ORDER


@pytest.mark.parametrize(
    "body", [{}, {"parameters": None}, {"parameters": {"tenant_id": TENANT_ID, "period": {"start": "2026"}}}]
)
def test_a_body_that_is_not_ours_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        ReportOrder.from_body(body)
