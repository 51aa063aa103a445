"""When a report is ready."""

from __future__ import annotations

from itertools import permutations, product
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing_pipeline.acronis import StoredReport
from billing_pipeline.ordering.readiness import Verdict, readiness

FORMATS = ("json_v2_0", "csv_v2_0")


def item(report_format: str, status: str, number: int = 1) -> StoredReport:
    return StoredReport.model_validate(
        {"id": str(UUID(int=number)), "report_format": report_format, "status": status}
    )


@pytest.mark.parametrize(
    ("statuses", "verdict"),
    [
        ({}, Verdict.NOT_YET),
        ({"json_v2_0": "saved"}, Verdict.NOT_YET),
        ({"json_v2_0": "saved", "html": "saved"}, Verdict.NOT_YET),
        ({"json_v2_0": "saved", "csv_v2_0": "in_progress"}, Verdict.NOT_YET),
        ({"json_v2_0": "saved", "csv_v2_0": "archived"}, Verdict.NOT_YET),
        ({"json_v2_0": "SAVED", "csv_v2_0": "saved"}, Verdict.NOT_YET),
        ({"json_v2_0": "saved", "csv_v2_0": "saved"}, Verdict.READY),
        ({"json_v2_0": "saved", "csv_v2_0": "saved", "html": "failed"}, Verdict.READY),
        ({"json_v2_0": "failed"}, Verdict.FAILED),
        ({"json_v2_0": "saved", "csv_v2_0": "failed"}, Verdict.FAILED),
    ],
)
def test_readiness__statuses__ready_only_if_all_requested_are_saved(
    statuses: dict[str, str], verdict: Verdict
) -> None:
    assert readiness([item(*each) for each in statuses.items()], FORMATS).verdict is verdict


@given(st.lists(st.builds(item, st.sampled_from([*FORMATS, "csv"]), st.text(max_size=12)), max_size=6))
def test_readiness__any_other_status__is_never_ready(items: list[StoredReport]) -> None:
    found = readiness(items, FORMATS)
    words = {each.status_text for each in items if each.report_format in FORMATS}
    assert found.verdict is not Verdict.READY or words == {"saved"}
    assert set(found.unknown) <= words


def test_readiness__several_items_of_a_format__takes_most_advanced() -> None:
    statuses = ("failed", "in_progress", "saved")
    for order in permutations(enumerate(statuses, start=1)):
        items = [item("json_v2_0", status, number) for number, status in order]
        found = readiness([*items, item("csv_v2_0", "saved")], FORMATS)
        assert found.verdict is Verdict.READY
        assert found.stored[0].stored_report_id == str(UUID(int=3))


def test_readiness__equal_items_of_a_format__takes_the_last() -> None:
    for first, second in product((1, 2), repeat=2):
        items = [item("json_v2_0", "saved", first), item("json_v2_0", "saved", second)]
        assert readiness(items, ("json_v2_0",)).stored[0].stored_report_id == str(UUID(int=second))
