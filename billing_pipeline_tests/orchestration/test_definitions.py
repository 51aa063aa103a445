"""The code location as Dagster's users expect it."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import dagster as dg
import duckdb
import pytest

from billing_pipeline.definitions import build_defs
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.sql_files import read_sql

NAMES = ["report_request", "stored_report", "raw_report", "usage"]
SHARED = ["prices", "billable_usage", "sku_totals", "charges", "month_report"]


def _specs() -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in build_defs().resolve_all_asset_specs()}


def test_build_defs__no_settings__is_loadable() -> None:
    dg.Definitions.validate_loadable(build_defs())


def test_assets__dependencies__form_a_chain() -> None:
    specs = _specs()

    assert set(specs) == {*NAMES, *SHARED}
    for before, after in itertools.pairwise(NAMES):
        assert [dep.asset_key.to_user_string() for dep in specs[after].deps] == [before]


def test_assets__two_accounts__views_and_charges_follow_from_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BILLING_ACCOUNTS", "eu,us")

    specs = _specs()

    parents = {name: {dep.asset_key.to_user_string() for dep in specs[name].deps} for name in SHARED}
    assert parents == {
        "prices": set(),
        "billable_usage": {"eu/usage", "us/usage"},
        "sku_totals": {"billable_usage"},
        "charges": {"prices", "billable_usage"},
        "month_report": {"sku_totals", "charges"},
    }
    assert [specs[name].group_name for name in ("eu/usage", "us/usage", "charges")] == [
        "billing_eu", "billing_us", "billing",
    ]  # fmt: skip


@pytest.mark.parametrize("name", [*NAMES, *SHARED])
def test_assets__each__has_description_group_owner_and_kinds(name: str) -> None:
    spec = _specs()[name]

    assert spec.description
    assert spec.group_name == "billing", "Dagster opens a single group, and closes several"
    assert spec.owners == ["team:billing"]
    assert spec.kinds


def test_usage_asset__column_schema__has_types_and_descriptions() -> None:
    schema = _specs()["usage"].metadata["dagster/column_schema"]

    assert isinstance(schema, dg.TableSchema)
    with duckdb.connect() as connection:
        connection.execute(read_sql("warehouse/schema/usage.sql"))
        columns = connection.execute(
            "SELECT column_name, replace(data_type, 'TIMESTAMP WITH TIME ZONE', 'TIMESTAMPTZ'), comment"
            " FROM duckdb_columns() WHERE table_name = 'usage' ORDER BY column_index"
        ).fetchall()
    assert [(column.name, column.type, column.description) for column in schema.columns] == columns


def test_partitions__at_month_end__are_the_ended_months(monkeypatch: pytest.MonkeyPatch) -> None:
    partitions = _specs()["usage"].partitions_def

    assert partitions is not None
    keys = partitions.get_partition_keys(current_time=datetime(2026, 10, 1, 0, 0, 1, tzinfo=UTC))
    assert keys[0] == "2024-01"
    assert keys[-1] == "2026-09"
    before_midnight = partitions.get_partition_keys(
        current_time=datetime(2026, 9, 30, 23, 59, 59, tzinfo=UTC)
    )
    assert before_midnight[-1] == "2026-08"


@pytest.mark.parametrize(
    ("tick", "period"),
    [
        (datetime(2026, 10, 2, 7, 0, tzinfo=UTC), "2026-09"),
        (datetime(2027, 1, 2, 7, 0, tzinfo=UTC), "2026-12"),
        (datetime(2028, 3, 2, 7, 0, tzinfo=UTC), "2028-02"),
    ],
)
def test_schedule__day_2_of_a_month__runs_the_month_before(tick: datetime, period: str) -> None:
    schedule = build_defs().resolve_schedule_def("monthly_usage_schedule")

    assert schedule.cron_schedule == "0 7 2 * *"
    assert schedule.execution_timezone in (None, "UTC")
    result = schedule.evaluate_tick(
        dg.build_schedule_context(
            scheduled_execution_time=tick, repository_def=build_defs().get_repository_def()
        )
    )
    (request,) = result.run_requests or []
    assert request.partition_key == period
    assert request.tags["billing/account"] == "default"
    assert request.tags["billing/started_by"] == "schedule"


def test_build_defs__bad_setting__is_loadable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BILLING_FIRST_PERIOD", "nonsense")

    dg.Definitions.validate_loadable(build_defs())


def test_billing_period__key__is_the_partition_key() -> None:
    assert BillingPeriod(2026, 9).key == "2026-09"
