"""Each asset alone continues where the one before stopped: what it needs is on disk, not in a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import dagster as dg
import pytest
from pydantic import SecretStr

from billing_pipeline.charges import close_period
from billing_pipeline.definitions import build_defs
from billing_pipeline.orchestration.settings import Settings
from billing_pipeline.orchestration.tables import markdown_text
from billing_pipeline.ordering.state import Outcome, PeriodRequests, load_requests, save_requests
from billing_pipeline.periods import SINGLE_ACCOUNT, BillingPeriod
from billing_pipeline.settings import AccountSettings, PipelineSettings
from billing_pipeline.warehouse import WarehouseFile
from billing_pipeline_tests.faults.sandbox import FaultySandbox

PERIOD = "2026-09"
NAMES = ["report_request", "stored_report", "raw_report", "usage"]


@dataclass
class Assets:
    """The assets of one sandbox and data folder, given as objects and not by the environment."""

    sandbox: FaultySandbox
    data_dir: Path

    def materialise(
        self, *names: str, period: str = PERIOD, tags: Mapping[str, str] = MappingProxyType({})
    ) -> dg.ExecuteInProcessResult:
        """Execute one Dagster run in an ephemeral instance."""
        account = AccountSettings(
            base_url=self.sandbox.base_url,
            client_id=self.sandbox.client_id,
            client_secret=SecretStr(self.sandbox.client_secret),
            poll_interval_seconds=0.1,
        )
        settings = Settings(PipelineSettings(data_dir=self.data_dir), {SINGLE_ACCOUNT: account})
        with dg.DagsterInstance.ephemeral() as instance:
            return (
                build_defs(settings)
                .resolve_job_def("monthly_usage")
                .execute_in_process(
                    instance=instance,
                    tags={"dagster/partition": period, **tags},
                    asset_selection=[dg.AssetKey(name) for name in names],
                    raise_on_error=False,
                )
            )

    @property
    def state(self) -> PeriodRequests:
        return load_requests(self.data_dir, BillingPeriod.parse(PERIOD))


@pytest.fixture
def assets(sandbox: FaultySandbox, tmp_path: Path) -> Assets:
    return Assets(sandbox, tmp_path / "data")


def failure_of(result: dg.ExecuteInProcessResult) -> dg.Failure:
    """The failure of the one step that failed."""
    (failed,) = (event.step_failure_data for event in result.get_step_failure_events())
    failure = failed.user_failure_data
    assert failure is not None
    return dg.Failure(failure.description, failure.metadata)


def metadata(result: dg.ExecuteInProcessResult) -> dict[str, object]:
    (event,) = result.get_asset_materialization_events()
    return {name: value.value for name, value in event.materialization.metadata.items()}


def test_assets__each_alone__continue_with_the_same_report(assets: Assets) -> None:
    shown = {}
    for name in NAMES:
        result = assets.materialise(name)
        assert result.success
        shown[name] = metadata(result)

    assert assets.sandbox.reports_created == 1
    assert len({each["report_id"] for each in shown.values()}) == 1
    rows = assets.sandbox.totals(PERIOD)["rows"]
    assert shown["usage"]["dagster/partition_row_count"] == shown["usage"]["dagster/row_count"] == rows
    assert shown["stored_report"]["reports_requested"] == 1
    assert {"waiting_seconds", "control_totals", "stored_report_id"} <= shown["usage"].keys()
    with WarehouseFile(assets.data_dir).reading() as connection:
        tenants = connection.execute(
            "SELECT tenant_name, tenant_kind,"
            " coalesce(round(sum(quantity) FILTER (unit = 'GiB'), 2), 0) AS gib,"
            " coalesce(sum(quantity) FILTER (unit = 'compute points'), 0)::DECIMAL(18, 2) AS points"
            " FROM billable_usage GROUP BY ALL ORDER BY gib DESC, points DESC, tenant_name LIMIT 10"
        ).fetchall()
        totals = connection.execute(
            "SELECT tenants, acronis_gib, partner_gib, local_gib, compute_points FROM month_totals"
        ).fetchone()
    cells = [
        [cell.strip() for cell in line.replace("\\|", "").split("|")[1:5]]
        for line in str(shown["usage"]["largest_tenants"]).splitlines()[2:]
    ]
    assert cells == [
        [markdown_text(name), kind, f"{gib:,}", f"{points:,}"] for name, kind, gib, points in tenants
    ]
    assert len(cells) > 1
    names = ("tenants_with_usage", "acronis_gib", "partner_gib", "local_gib", "compute_points")
    assert [shown["usage"][name] for name in names] == [round(float(total), 2) for total in totals or ()]
    assert shown["usage"]["warnings"] == 0


@pytest.mark.slow
def test_report_request__report_not_loaded_yet__is_continued(assets: Assets) -> None:
    assert assets.materialise("report_request").success
    assert assets.materialise(*NAMES).success
    assert assets.sandbox.reports_created == 1

    assert assets.materialise(*NAMES).success
    assert assets.sandbox.reports_created == 2


def test_usage__loaded__period_state_says_loaded(assets: Assets) -> None:
    assert assets.materialise(*NAMES).success

    (request,) = assets.state.requests
    assert request.outcome is Outcome.LOADED
    assert [report.outcome for report in request.reports] == [Outcome.LOADED]
    assert request.closed_at is not None


def test_usage__refused__period_state_says_refused_and_why(assets: Assets) -> None:
    assets.sandbox.set_faults("json_nan")
    result = assets.materialise(*NAMES)

    assert not result.success
    (request,) = assets.state.requests
    assert request.outcome is Outcome.REFUSED
    assert request.reason
    assert request.reason in (failure_of(result).description or "")


@pytest.mark.kill
def test_usage__killed_before_state_is_loaded__next_run_requests_nothing(assets: Assets) -> None:
    assert assets.materialise(*NAMES).success
    state = assets.state
    (request,) = state.requests
    request.reports[0].outcome = request.outcome = Outcome.OPEN
    request.closed_at = None
    save_requests(assets.data_dir, BillingPeriod.parse(PERIOD), state)

    assert assets.materialise(*NAMES).success

    assert assets.sandbox.reports_created == 1
    assert assets.state.requests[0].outcome is Outcome.LOADED


@pytest.mark.parametrize("name", NAMES[1:])
def test_asset__dependency_missing__failure_says_what_to_do(assets: Assets, name: str) -> None:
    result = assets.materialise(name)

    assert not result.success
    failure = failure_of(result)
    assert PERIOD in (failure.description or "")
    assert "what_to_do" in failure.metadata
    assert assets.sandbox.reports_created == 0


def test_report_request__period_has_not_ended__nothing_is_requested(assets: Assets) -> None:
    failure = failure_of(assets.materialise(*NAMES, period="2199-01"))

    assert "2199-01: the period has not ended" in (failure.description or "")
    assert assets.sandbox.reports_created == 0


def test_usage__closed_period_and_any_tag__is_refused(assets: Assets) -> None:
    assert assets.materialise(*NAMES).success
    close_period(WarehouseFile(assets.data_dir), BillingPeriod.parse(PERIOD))

    # Whoever reaches the UI can set tags, and a run that is launched again inherits them.
    for tag in ("billing/force", "force", "forced"):
        for names in (NAMES, ["usage"]):
            failure = failure_of(assets.materialise(*names, tags={tag: "true"}))
            assert "was closed on" in (failure.description or "")
            assert "billing-pipeline reopen" in (failure.description or "")
    assert assets.sandbox.reports_created == 1
