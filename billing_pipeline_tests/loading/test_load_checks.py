"""Each check finds its fault and its position, and finds nothing in a correct month."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from billing_pipeline.loading.checks import CHECKS, LoadStoppedError, description
from billing_pipeline.loading.replace import replace_period
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.reports import ControlTotals
from billing_pipeline.warehouse import WarehouseFile
from billing_pipeline.warehouse.check_results import CheckResult
from billing_pipeline_tests.warehouse.reports import (
    CUSTOMER,
    OTHER_CUSTOMER,
    PARTNER,
    ROOT,
    SEPTEMBER,
    STORAGE_2,
    Report,
    attempt,
    load,
    points,
    query,
    row,
    storage,
)

pytestmark = pytest.mark.duckdb

SUB_PARTNER = "50000000-0000-4000-8000-000000000001"
SOUND = [
    row(absolute_production=18, absolute_trial=2),
    storage(absolute_production=2**40),
    storage(infra_id=STORAGE_2, absolute_production=2**41),
    points(delta_production=3600),
    row(tenant_id=PARTNER, tenant_kind="partner", tenant_name="Nordlicht", absolute_production=5),
]


def results(
    warehouse: WarehouseFile,
    rows: list[dict[str, Any]],
    period: BillingPeriod = SEPTEMBER,
    **columns: Any,
) -> dict[str, CheckResult]:
    """The results of all checks, whether or not the load was stopped."""
    try:
        loaded = load(warehouse, rows, period, **columns)
    except LoadStoppedError as stopped:
        return {check.check_name: check for check in stopped.checks}
    return {check.check_name: check for check in loaded.checks}


def failed(found: dict[str, CheckResult]) -> set[str]:
    return {name for name, check in found.items() if not check.passed}


def test_checks__sound_month__all_pass(warehouse: WarehouseFile) -> None:
    found = results(warehouse, SOUND)

    assert list(found) == list(CHECKS)
    assert failed(found) == set()


@pytest.mark.parametrize("name", CHECKS)
def test_description__each_check__is_a_sentence(name: str) -> None:
    assert len(description(name)) > 20
    assert "--" not in description(name)


STOPS = {
    "duplicates": ([*SOUND, SOUND[0]], "workstations of tenant 30000000-0000-4000-8000-000000000001"),
    "totals": (
        [*SOUND, row(offering_item="vms", absolute_total=1)],
        "absolute: 1 rows, the first is row 6: vms",
    ),
    "compute_points": (
        [*SOUND, row(offering_item="vms", dr_compute_points_total="1.00")],
        "compute points in a row that is not in seconds: 1 rows, the first is row 6",
    ),
    "period_and_tenant": (
        [*SOUND, row(offering_item="vms", usage_date=date(2026, 10, 1))],
        "1 rows are of days outside the month, the first of 2026-10-01",
    ),
}
WARNINGS = {
    "effective_totals": ([row(effective_total=1)], "effective: 1 rows, the first is row 1"),
    "compute_point_names": (
        [points(offering_item="compute_hours", delta_production=3600)],
        "compute_hours in seconds: 1 rows",
    ),
    "level": (
        [row(tenant_kind="unit", absolute_production=1)],
        "rows of kind unit in a report of level direct_partners",
    ),
    "sku_coverage": ([row(sku=None, absolute_production=1)], "no billable row has a SKU"),
    "unknown_offering_items": (
        [row(offering_item="quantum_storage", absolute_production=1)],
        "quantum_storage (quantity) is not listed",
    ),
    "unknown_units": ([row(measurement_unit="furlongs", absolute_production=1)], "furlongs: workstations"),
    "unknown_tenant_kinds": ([row(tenant_kind="galaxy", absolute_production=1)], "galaxy: 1 tenants"),
    "unknown_fields": (
        [row(extra='{"usage.forecast": 7, "region": "eu"}', absolute_production=1)],
        "region: in 1 rows, the first is row 1; usage.forecast: in 1 rows",
    ),
    "completeness": ([], "the report is empty"),
    "storage_ownership": (
        [
            storage(
                tenant_id=PARTNER, tenant_kind="partner", infra_owner_id=SUB_PARTNER, absolute_production=1
            ),
            storage(infra_id=STORAGE_2, absolute_production=1),
        ],
        f"owner {SUB_PARTNER}: partner, inferred",
    ),
}


@pytest.mark.parametrize("name", STOPS)
def test_stopping_check__its_fault__stops_the_load(warehouse: WarehouseFile, name: str) -> None:
    rows, detail = STOPS[name]
    load(warehouse, [row(absolute_production=1)])

    with pytest.raises(LoadStoppedError) as caught:
        load(warehouse, rows, number=2)

    found = {check.check_name: check for check in caught.value.checks}
    assert failed(found) == {name}
    assert found[name].severity == "stop"
    assert detail in found[name].detail
    assert f"{name}: " in str(caught.value)
    assert query(warehouse, "SELECT absolute_total FROM usage") == [{"absolute_total": 1}]


@pytest.mark.parametrize("name", WARNINGS)
def test_warning_check__its_fault__warns_and_loads(warehouse: WarehouseFile, name: str) -> None:
    rows, detail = WARNINGS[name]

    found = results(warehouse, rows)

    assert name in failed(found)
    assert not any(check.stops for check in found.values())
    assert found[name].severity == "warn"
    assert detail in found[name].detail
    assert query(warehouse, "SELECT count(*) AS found FROM usage") == [{"found": len(rows)}]


def test_checks__each__has_a_failing_example() -> None:
    elsewhere = {"accounts", "cross_check", "control_totals", "unexpectedly_empty", "tenant_history"}
    elsewhere |= {"delta_items"}

    assert {*STOPS, *WARNINGS, *elsewhere} == set(CHECKS)
    assert {name for name, severity in CHECKS.items() if severity == "stop"} == {
        *STOPS,
        "accounts",
        "cross_check",
        "control_totals",
        "unexpectedly_empty",
    }


def test_duplicates__same_storage_twice__stops(
    warehouse: WarehouseFile,
) -> None:
    assert failed(results(warehouse, [storage(), storage(infra_id=STORAGE_2), storage(sku=None)])) == {
        "sku_coverage"
    } - {"sku_coverage"}
    found = results(warehouse, [storage(), storage(absolute_production=1)])
    assert failed(found) == {"duplicates"}
    assert found["duplicates"].finding_rows == 2
    assert "rows 1, 2" in found["duplicates"].detail


def test_duplicates__rows_without_sku__stops(warehouse: WarehouseFile) -> None:
    nothing = {"edition": None, "sku": None, "application_id": None}

    found = results(warehouse, [row(**nothing, absolute_production=1), row(**nothing, absolute_production=1)])

    assert "duplicates" in failed(found)


def test_control_totals__sum_differs__stops(warehouse: WarehouseFile) -> None:
    report = Report(SOUND)
    honest = report.control_totals()
    sums = {unit: dict(values) for unit, values in honest.sums.items()}
    sums["bytes"]["absolute_total"] += 1
    report.totals = ControlTotals(honest.rows + 1, sums)

    with pytest.raises(
        LoadStoppedError,
        match=r"control_totals: rows: 6 is not 5 \(raw report, table\); bytes absolute_total",
    ) as caught:
        replace_period(warehouse, report, attempt(report), cross_check_mode="off")

    assert failed({check.check_name: check for check in caught.value.checks}) == {"control_totals"}
    assert not warehouse.path.exists()


def test_period_and_tenant__other_days_covered__stops(warehouse: WarehouseFile) -> None:
    report = Report(SOUND, covers=(date(2026, 9, 1), date(2026, 9, 29)))

    with pytest.raises(LoadStoppedError, match="covers 2026-09-01 to 2026-09-29, not the month"):
        replace_period(warehouse, report, attempt(report), cross_check_mode="off")


def test_period_and_tenant__other_tenant_in_itself_report__stops(warehouse: WarehouseFile) -> None:
    found = results(warehouse, [row(tenant_id=ROOT), row()], report_level="itself")

    assert failed(found) == {"period_and_tenant"}
    assert CUSTOMER in found["period_and_tenant"].detail


def test_level__all_partners__says_what_is_not_billed(warehouse: WarehouseFile) -> None:
    partner = row(tenant_id=PARTNER, tenant_kind="partner", absolute_production=5)

    found = results(warehouse, [partner], report_level="all_partners")

    assert "has no billable usage" in found["level"].detail
    assert query(warehouse, "FROM billable_usage") == []


def test_compute_points__wrong_points__stops(warehouse: WarehouseFile) -> None:
    found = results(warehouse, [points(delta_production=40123, dr_compute_points_production="11.14")])

    assert "not the seconds divided by 3600" in found["compute_points"].detail
    assert (
        failed(results(warehouse, [points(delta_production=40123, dr_compute_points_production="11.15")]))
        == set()
    )


@pytest.mark.parametrize("measure", ["absolute", "delta"])
@pytest.mark.parametrize("difference", [1, -1])
def test_totals__total_is_not_the_sum__names_measure(
    warehouse: WarehouseFile, measure: str, difference: int
) -> None:
    wrong = row(offering_item="vms", **{f"{measure}_production": 5, f"{measure}_total": 5 + difference})

    found = results(warehouse, [*SOUND, wrong])

    assert failed(found) == {"totals"}
    assert found["totals"].detail == f"{measure}: 1 rows, the first is row 6: vms of tenant {CUSTOMER}"


def test_unknown_offering_items__other_unit__warns(warehouse: WarehouseFile) -> None:
    found = results(warehouse, [storage(measurement_unit="quantity", absolute_production=1)])

    assert "storage is in quantity, listed in bytes" in found["unknown_offering_items"].detail


@pytest.mark.parametrize("item", ["pw_base_servers", "pg_base_storage", "bndl_compute_points", "p_adv_vms"])
def test_unknown_offering_items__edition_prefix__passes(warehouse: WarehouseFile, item: str) -> None:
    unit = {"storage": "bytes", "points": "seconds"}.get(item.rpartition("_")[2], "quantity")
    rows = [
        points(offering_item=item) if unit == "seconds" else row(offering_item=item, measurement_unit=unit)
    ]

    assert "unknown_offering_items" not in failed(results(warehouse, rows))


def test_sku_coverage__item_lost_its_skus__one_finding(warehouse: WarehouseFile) -> None:
    both = [row(absolute_production=1), row(offering_item="vms", sku=None, absolute_production=1)]
    lost = [
        row(sku=None, absolute_production=1),
        row(offering_item="vms", sku="STVMS", absolute_production=1),
    ]
    load(warehouse, both, BillingPeriod(2026, 8))

    found = results(warehouse, lost)

    assert failed(found) == {"sku_coverage"}
    assert found["sku_coverage"].detail == (
        "workstations: 1 of 1 billable rows (100.0%) have no SKU; all had one the month before"
    )
    load(warehouse, lost, BillingPeriod(2026, 10), number=3)
    again = results(warehouse, lost, period=BillingPeriod(2026, 10), number=4)
    assert again["sku_coverage"].passed
    assert "workstations: 1 of 1" in again["sku_coverage"].detail, "still listed"


def test_storage_ownership__inferred_owner__one_finding(warehouse: WarehouseFile) -> None:
    rows, _ = WARNINGS["storage_ownership"]
    load(warehouse, rows, BillingPeriod(2026, 8))

    assert results(warehouse, rows)["storage_ownership"].passed


def test_delta_items__other_rule_than_before__warns_with_both_rules(warehouse: WarehouseFile) -> None:
    rows = [row(offering_item="notarizations", is_range=True, absolute_production=9, delta_production=2)]
    load(warehouse, rows, SEPTEMBER.previous())
    load(warehouse, rows, number=2)

    found = results(warehouse, rows, number=3, delta_items="compute_points")["delta_items"]

    changed = "1 rows of accumulating items other than compute points are billed by absolute; by delta in"
    assert not found.passed
    assert found.severity == "warn"
    assert found.detail == f"{changed} 2026-08; {changed} this month's last load"
    again = results(warehouse, rows, SEPTEMBER.next(), number=4, delta_items="compute_points")
    assert again["delta_items"].passed


def test_delta_items__only_compute_points_accumulate__passes(warehouse: WarehouseFile) -> None:
    load(warehouse, [points(delta_production=3600)], SEPTEMBER.previous())

    found = results(warehouse, [points(delta_production=3600)], number=2, delta_items="compute_points")

    assert found["delta_items"].passed


def test_completeness__half_a_month__warns(warehouse: WarehouseFile) -> None:
    tenants = [
        row(tenant_id=f"30000000-0000-4000-8000-0000000001{n:02d}", absolute_production=1) for n in range(10)
    ]
    load(warehouse, tenants, BillingPeriod(2026, 8))

    assert results(warehouse, tenants[:5])["completeness"].passed
    found = results(warehouse, tenants[:4], number=2)
    assert found["completeness"].detail == "4 rows of 4 tenants; the month before 10 rows of 10 tenants"
    assert not found["completeness"].passed


GIB = 2**30


@pytest.mark.slow
@pytest.mark.parametrize(
    ("history", "now", "is_far"),
    [
        ([500, 510, 520], 5201, True),
        ([500, 510, 520], 5200, False),
        ([500, 510, 520], 49, True),
        ([500, 510, 520], 50, False),
        ([500, 510], 50_000, False),
        ([1, 1, 1], 90, False),
        ([0, 0, 0], 200, True),
        ([500, 6000, 520], 5500, False),
    ],
)
def test_tenant_history__storage_far_off__warns(
    warehouse: WarehouseFile, history: list[int], now: int, is_far: bool
) -> None:
    period = SEPTEMBER
    for gib in reversed(history):
        period = period.previous()
        load(warehouse, [storage(absolute_production=gib * GIB)], period)

    found = results(warehouse, [storage(absolute_production=now * GIB), storage(tenant_id=OTHER_CUSTOMER)])

    assert (not found["tenant_history"].passed) is is_far
    assert not is_far or str(now * GIB) in found["tenant_history"].detail


def test_load_checks__loaded_and_stopped__are_recorded(warehouse: WarehouseFile) -> None:
    load(warehouse, SOUND)
    load(warehouse, [{**columns, "sku": None} for columns in SOUND], number=2)

    kept = query(
        warehouse, "SELECT published, passed, count(*) AS checks FROM load_checks GROUP BY ALL ORDER BY ALL"
    )
    latest = query(warehouse, "SELECT DISTINCT report_id::VARCHAR AS report_id FROM latest_load_checks")

    assert kept == [
        {"published": True, "passed": False, "checks": 1},
        {"published": True, "passed": True, "checks": 2 * len(CHECKS) - 1},
    ]
    assert latest == [{"report_id": "00000000-0000-0000-0000-000000000002"}]
