"""Each asset alone continues where the one before stopped: what it needs is on disk, not in a run."""

from __future__ import annotations

import dagster as dg
import pytest

from billing_pipeline.definitions import build_defs
from billing_pipeline.sandbox import Sandbox
from billing_pipeline_tests.conftest import OWN_SETTINGS, Workplace

PERIOD = "2026-09"
NAMES = ["report_request", "stored_report", "raw_report", "usage"]


@pytest.fixture(autouse=True)
def _settings(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in workplace.environment.items():
        if name.startswith(OWN_SETTINGS):
            monkeypatch.setenv(name, value)


def materialise(*names: str, period: str = PERIOD) -> dg.ExecuteInProcessResult:
    """One Dagster run, in an instance that is forgotten afterwards."""
    with dg.DagsterInstance.ephemeral() as instance:
        return (
            build_defs()
            .resolve_job_def("monthly_usage")
            .execute_in_process(
                instance=instance,
                tags={"dagster/partition": period},
                asset_selection=[dg.AssetKey(name) for name in names],
                raise_on_error=False,
            )
        )


def failure_of(result: dg.ExecuteInProcessResult) -> dg.Failure:
    """What the one step that failed has told."""
    (failed,) = (event.step_failure_data for event in result.get_step_failure_events())
    told = failed.user_failure_data
    assert told is not None
    return dg.Failure(told.description, told.metadata)


def metadata(result: dg.ExecuteInProcessResult) -> dict[str, object]:
    (event,) = result.get_asset_materialization_events()
    return {name: value.value for name, value in event.materialization.metadata.items()}


def test_each_asset_alone_continues_with_the_same_report(sandbox: Sandbox, workplace: Workplace) -> None:
    told = {}
    for name in NAMES:
        result = materialise(name)
        assert result.success
        told[name] = metadata(result)

    assert sandbox.reports_created == 1
    assert len({each["report_id"] for each in told.values()}) == 1
    rows = sandbox.totals(PERIOD)["rows"]
    assert told["usage"]["dagster/partition_row_count"] == told["usage"]["dagster/row_count"] == rows
    assert told["stored_report"]["reports_requested"] == 1
    assert {"waiting_seconds", "control_totals", "stored_report_id"} <= told["usage"].keys()
    preview = workplace.query(
        "SELECT offering_item, sku, absolute_total::VARCHAR AS total FROM usage ORDER BY report_row LIMIT 10"
    )
    cells = [
        [cell.strip() for cell in line.split("|")] for line in str(told["usage"]["preview"]).splitlines()[2:]
    ]
    assert [(line[3], line[5] or None, line[7]) for line in cells] == [
        tuple(each.values()) for each in preview
    ]
    assert None in {each["sku"] for each in preview}


def test_a_request_that_is_not_loaded_yet_is_continued(sandbox: Sandbox) -> None:
    assert materialise("report_request").success
    assert materialise(*NAMES).success
    assert sandbox.reports_created == 1

    assert materialise(*NAMES).success
    assert sandbox.reports_created == 2


@pytest.mark.parametrize("name", NAMES[1:])
def test_an_asset_without_the_one_before_says_what_to_do(sandbox: Sandbox, name: str) -> None:
    result = materialise(name)

    assert not result.success
    failure = failure_of(result)
    assert PERIOD in (failure.description or "")
    assert "what_to_do" in failure.metadata
    assert sandbox.reports_created == 0


def test_a_period_that_is_not_over_is_not_ordered_whatever_a_tag_says(sandbox: Sandbox) -> None:
    failure = failure_of(materialise(*NAMES, period="2199-01"))

    assert "2199-01: the period has not ended" in (failure.description or "")
    assert sandbox.reports_created == 0
