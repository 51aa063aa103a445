"""Each check finds its fault and its position, and finds nothing in a correct month."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from billing_pipeline.loading.checks import CHECKS, LoadStoppedError, description
from billing_pipeline.loading.replace import replace_period
from billing_pipeline.normalize.fields import FIELDS
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
    STORAGE_1,
    STORAGE_2,
    Report,
    attempt,
    load,
    own,
    own_points,
    points,
    query,
    row,
    storage,
)

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


@pytest.mark.duckdb
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
    "compute_point_names": (
        [*SOUND, points(offering_item="p_dre_compute_points", measurement_unit="quantity")],
        "p_dre_compute_points in quantity: 1 rows, the first is row 6",
    ),
    "item_units": (
        [*SOUND, storage(offering_item="pw_base_storage", measurement_unit="quantity")],
        "pw_base_storage is in quantity, listed in bytes: 1 rows, the first is row 6",
    ),
    "quantity_limit": (
        [*SOUND, row(offering_item="vms", absolute_production=10**13)],
        f"vms of tenant {CUSTOMER} (Bäckerei Müller, GmbH): 10000000000000 quantity in row 6",
    ),
    "own_total": (
        [own(absolute_production=4), row(absolute_production=5)],
        "workstations (quantity): 5 production and 0 trial billed, 4 and 0 in the own rows",
    ),
}
WARNINGS = {
    "effective_totals": (
        [row(effective_total=1), row(offering_item="vms", effective_total=None)],
        "effective: 1 rows, the first is row 1; effective: 1 rows lack it, the first is row 2",
    ),
    "zero_deltas": (
        [
            points(usage_date=date(2026, 9, day), absolute_production=day, delta_production=0)
            for day in (28, 29, 30)
        ],
        "compute_points: all deltas are 0 although levels change in 2 rows",
    ),
    "negative_quantities": (
        [points(delta_production=-40123)],
        f"compute_points of tenant {CUSTOMER} (Bäckerei Müller, GmbH), SKU CMPTPNTS: -11.15 production",
    ),
    "questionable_values": (
        [row(sku="STWRKSTTNS "), row(offering_item="vms", absolute_production=-3)],
        "blanks around sku 'STWRKSTTNS ': 1 rows, the first is row 1; level below zero: vms of tenant",
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
}


@pytest.mark.duckdb
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


@pytest.mark.duckdb
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
    elsewhere = {
        "accounts", "billing_rules", "control_totals", "cross_check", "delta_items", "json_layout",
        "storage_ownership", "tenant_history", "unexpectedly_empty",
    }  # fmt: skip

    assert {*STOPS, *WARNINGS, *elsewhere} == set(CHECKS)
    assert {name for name, severity in CHECKS.items() if severity == "stop"} == {
        *STOPS,
        "accounts",
        "billing_rules",
        "cross_check",
        "control_totals",
        "unexpectedly_empty",
    }


def test_quantity_limit__below_it_and_not_billed__loads(warehouse: WarehouseFile) -> None:
    found = results(
        warehouse,
        [
            row(absolute_production=10**13 - 1),
            own(offering_item="vms", absolute_production=10**13),
            row(offering_item="servers", delta_production=10**13),
            storage(absolute_production=10**15),
        ],
    )

    assert found["quantity_limit"].passed


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


@pytest.mark.parametrize("name", ["billing_model", "storage_type", "pricing_tier_id"])
def test_duplicates__another_sku_detail__is_another_row(warehouse: WarehouseFile, name: str) -> None:
    found = results(warehouse, [row(**{name: "a"}), row(**{name: "b"}), row()])

    assert "duplicates" not in failed(found)
    assert "duplicates" in failed(results(warehouse, [row(**{name: "a"}), row(**{name: "a"})], number=2))


@pytest.mark.parametrize(
    ("one", "other", "duplicate"),
    [
        ('{"region": "a"}', '{"region": "b"}', False),
        ('{"region": 1}', '{"region": 2}', False),
        ('{"region": true}', '{"region": false}', False),
        ('{"region": "a"}', None, False),
        ('{"region": "a", "zone": 1}', '{"zone": 1, "region": "a"}', True),
        ('{"region": "a"}', '{"region": "a", "zone": null}', True),
        ('{"region": "a"}', '{"region": "a", "zones": [1], "more": {"x": 1}}', True),
        ('{"usage.effective.total": 0.30000000000000004}', '{"quota.value": "1,5"}', True),
        ("{}", None, True),
        (None, None, True),
    ],
)
def test_duplicates__unknown_scalar_differs__is_another_row(
    warehouse: WarehouseFile, one: str | None, other: str | None, *, duplicate: bool
) -> None:
    found = results(warehouse, [row(extra=one), row(extra=other)])

    assert ("duplicates" in failed(found)) is duplicate


def test_unknown_scalars__fields_with_a_column__take_no_part(warehouse: WarehouseFile) -> None:
    load(warehouse, [])
    names = [field.name for field in FIELDS]
    with warehouse.reading() as connection:
        found = connection.execute(
            "SELECT unknown_scalars(?::JSON)", [json.dumps(dict.fromkeys(names, "x"))]
        ).fetchall()

    billed = sorted(field.name for field in FIELDS if field.kind.billed or "." not in field.name)
    assert [name for name, _ in json.loads(found[0][0])] == billed


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


def test_item_units__bytes_or_not__stops_as_listed(warehouse: WarehouseFile) -> None:
    wrong = [
        ("storage", "quantity"),
        ("pw_base_storage", "GB"),
        ("workstations", "bytes"),
        ("p_adv_vms", "bytes"),
    ]
    # What is not listed, and an unknown unit of countable items, are warnings of other checks.
    right = [
        ("dr_storage", "bytes"),
        ("servers", "quantity"),
        ("vms", "furlongs"),
        ("quantum_storage", "bytes"),
    ]
    rows = [row(offering_item=item, measurement_unit=unit) for item, unit in wrong + right]

    found = results(warehouse, rows)["item_units"]

    assert found.stops
    assert [tuple(each.finding.split()[0:4:3]) for each in found.findings] == [
        (item, f"{unit},") for item, unit in wrong
    ]


def test_compute_point_names__unit_and_name_disagree__stops(warehouse: WarehouseFile) -> None:
    wrong = [
        ("compute_points", "quantity"),
        ("pw_base_compute_points", "hours"),
        ("Compute_Points ", "bytes"),
        ("compute points", "quantity"),
        ("bndl_compute_point", "quantity"),
        ("compute_hours", "seconds"),
    ]
    right = [
        ("compute_points", "seconds"),
        ("DRE_COMPUTE_POINTS", "seconds"),
        ("assigned_compute_points", "quantity"),
    ]
    rows = [points(offering_item=item, measurement_unit=unit) for item, unit in wrong + right]

    found = results(warehouse, rows)["compute_point_names"]

    assert found.stops
    assert [each.finding for each in found.findings] == [
        f"{item} in {unit}: 1 rows, the first is row {number}" for number, (item, unit) in enumerate(wrong, 1)
    ]


def test_compute_point_names__seconds_that_do_not_accumulate__stops(warehouse: WarehouseFile) -> None:
    found = results(warehouse, [points(is_range=False, delta_production=3600)])

    assert found["compute_point_names"].detail == (
        "compute_points in seconds, not accumulating: 1 rows, the first is row 1"
    )


KINDS: dict[str, tuple[list[str | None], list[str | None], list[str | None]]] = {
    # level: kinds that are billed, excluded by a rule, and neither
    "all_customers": (
        ["customer", "Customer", " CUSTOMER\t"], ["partner", "folder", "root", "Unit"], [None, "galaxy", ""]
    ),
    "accounts": (["customer"], ["partner", "folder", "root", "unit"], [None, "galaxy", "customers"]),
    "direct_partners": (["customer", "partner", "folder", None, "galaxy"], [], []),
    "all_partners": ([], ["partner", None, "galaxy"], []),
}  # fmt: skip


@pytest.mark.parametrize("level", KINDS)
def test_billing_rules__each_kind_of_tenant__is_billed_excluded_or_stops(
    warehouse: WarehouseFile, level: str
) -> None:
    billed, excluded, unknown = KINDS[level]

    def tenants(kinds: list[str | None]) -> list[dict[str, Any]]:
        ids = [f"30000000-0000-4000-8000-0000000003{n:02d}" for n in range(len(kinds))]
        return [row(tenant_id=each, tenant_kind=kind) for each, kind in zip(ids, kinds, strict=True)]

    found = results(warehouse, tenants([*billed, *excluded]), report_level=level)

    assert not found["billing_rules"].stops
    lines = query(warehouse, "SELECT tenant_id::VARCHAR AS tenant_id FROM billable_usage ORDER BY ALL")
    assert [line["tenant_id"] for line in lines] == [each["tenant_id"] for each in tenants(billed)]
    if unknown:
        found = results(warehouse, [row(), *tenants(unknown)], report_level=level, number=2)
        assert found["billing_rules"].stops
        failures = [each.finding for each in found["billing_rules"].findings if each.is_failure]
        for kind in unknown:
            name = "null" if kind is None else repr(kind)
            said = f"1 rows of 1 tenants of kind {name} in a report of level {level}"
            assert sum(said in failure for failure in failures) == 1


def test_billing_rules__days_and_levels__all_rows_are_listed_by_rule(warehouse: WarehouseFile) -> None:
    days = [row(usage_date=date(2026, 9, day), absolute_production=day) for day in (28, 29, 30)]
    partner = row(tenant_id=PARTNER, tenant_kind="partner", absolute_production=30)

    found = results(
        warehouse,
        [*days, partner, own(absolute_production=30)],
        report_level="all_customers",
        report_kind="usage_daily",
    )

    assert {(each.finding, each.usage_rows) for each in found["billing_rules"].findings} == {
        ("billed: 1 rows", 1),
        ("level of an earlier day: 2 rows", 2),
        ("own row of the report's tenant: 1 rows", 1),
        ("total of the tenants below: 1 rows", 1),
    }


FOLDER = row(tenant_id=PARTNER, tenant_kind="folder", absolute_production=8)
BELOW = [row(absolute_production=5), row(tenant_id=OTHER_CUSTOMER, absolute_production=2, absolute_trial=1)]
TOTAL = own(absolute_production=7, absolute_trial=1)
POINTS = [points(delta_production=18), points(tenant_id=OTHER_CUSTOMER, delta_production=18)]
VM_ON_TRIAL = {"offering_item": "vms", "absolute_trial": 1}
DAYS = [
    one(usage_date=date(2026, 9, day), absolute_production=day, delta_production=1)
    for day in (29, 30)
    for one in (own, row)
]


@pytest.mark.parametrize(
    ("rows", "columns", "stops"),
    [
        ([TOTAL, *BELOW], {}, False),
        # A folder beside what is in it, a tenant too few, a split that differs, an item on one side only.
        ([TOTAL, *BELOW, FOLDER], {}, True),
        ([TOTAL, BELOW[0]], {}, True),
        ([own(absolute_production=8), *BELOW], {}, True),
        ([TOTAL, *BELOW, own(**VM_ON_TRIAL)], {}, True),
        ([TOTAL, *BELOW, row(**VM_ON_TRIAL)], {}, True),
        # Customers are billed, partners' rows only contain them; level itself bills the own rows.
        ([TOTAL, *BELOW, FOLDER], {"report_level": "all_customers"}, False),
        ([TOTAL, *BELOW, FOLDER], {"report_level": "all_partners"}, False),
        ([TOTAL], {"report_level": "itself"}, False),
        # Seconds are compared: the points of each row are rounded.
        ([own_points(36), *POINTS], {}, False),
        ([own_points(37), *POINTS], {}, True),
        # Of daily rows, levels of the last day and changes of all days are billed.
        (DAYS, {"report_kind": "usage_breakdown"}, False),
        (DAYS[1:], {"report_kind": "usage_breakdown"}, False),
        (DAYS[:-1], {"report_kind": "usage_breakdown"}, True),
        # Counts of tenants include the direct children; children have billing periods of their own.
        ([own(offering_item="reseller_count", absolute_production=3)], {}, False),
        ([own_points(3600), points(delta_production=1800)], {"report_kind": "usage_current"}, False),
    ],
)
def test_own_total__billed_sum_beside_own_rows__stops_on_a_difference(
    warehouse: WarehouseFile, rows: list[dict[str, Any]], columns: dict[str, Any], stops: bool
) -> None:
    assert results(warehouse, rows, **columns)["own_total"].stops is stops


def test_own_total__no_own_rows__says_that_it_could_not_look(warehouse: WarehouseFile) -> None:
    found = results(warehouse, [*BELOW, FOLDER])

    assert found["own_total"].passed
    assert found["own_total"].detail == "not compared: the report has no rows of its own tenant"


RISING = {"absolute_production": 2, "delta_production": 0}


@pytest.mark.parametrize(
    ("before", "now", "warns"),
    [
        ([], [points(**RISING)], False),
        ([points(absolute_production=1)], [points(**RISING)], True),
        ([points(absolute_production=1)], [points(**RISING, delta_trial=1)], False),
        # A month without usage: nothing was accumulated, and the level of the month before is gone.
        ([points(absolute_production=3)], [points(**RISING)], False),
        ([points(absolute_production=2)], [points(**RISING)], False),
        # Another tenant's changes show that the item has them.
        (
            [points(absolute_production=1)],
            [points(**RISING), points(tenant_id=OTHER_CUSTOMER, delta_production=1)],
            False,
        ),
        # Changes of one item do not make up for those of another.
        (
            [points(absolute_production=1)],
            [points(**RISING), row(offering_item="esignatures", is_range=True, delta_production=1)],
            True,
        ),
        # What does not accumulate is billed with its level.
        ([row(absolute_production=1)], [row(**RISING)], False),
    ],
)
def test_zero_deltas__level_rises_since_the_month_before__warns(
    warehouse: WarehouseFile, before: list[dict[str, Any]], now: list[dict[str, Any]], warns: bool
) -> None:
    load(warehouse, before, BillingPeriod(2026, 8))

    found = results(warehouse, now, number=2)["zero_deltas"]

    assert found.passed is not warns
    assert found.severity == "warn"


def days(*levels: int | None) -> list[dict[str, Any]]:
    """Daily rows without deltas, from the first day on; no row for a day of None."""
    return [
        points(usage_date=date(2026, 9, day), absolute_production=level, delta_production=0)
        for day, level in enumerate(levels, 1)
        if level is not None
    ]


@pytest.mark.parametrize(
    ("levels", "warns"),
    [
        ([5, 5, 5], False),
        ([5, 6, 5], True),
        # A level that falls has a delta, too; the first row may be as old as the item.
        ([5, 3, 3], True),
        ([None, 3, 3], True),
        ([None, None, 3], True),
        ([None, 0, 0], False),
    ],
)
@pytest.mark.parametrize("kind", ["usage_daily", "usage_breakdown"])
def test_zero_deltas__days_without_deltas__warns_if_a_level_changes(
    warehouse: WarehouseFile, levels: list[int | None], kind: str, *, warns: bool
) -> None:
    found = results(warehouse, days(*levels), report_kind=kind)["zero_deltas"]

    assert found.passed is not warns


REPEATED: dict[str, list[dict[str, Any]]] = {
    "effective_totals": [row(effective_total=None), row(offering_item="vms", effective_total=1)],
    "sku_coverage": [row(sku=None, absolute_production=1)],
    "unknown_offering_items": [row(offering_item="quantum_storage", measurement_unit="bytes")],
    "unknown_fields": [row(extra='{"region": "eu"}')],
}


@pytest.mark.parametrize("name", REPEATED)
def test_warning_check__same_fault_as_the_month_before__is_only_listed(
    warehouse: WarehouseFile, name: str
) -> None:
    first = results(warehouse, REPEATED[name], BillingPeriod(2026, 8))[name]
    second = results(warehouse, REPEATED[name], number=2)[name]
    again = results(warehouse, REPEATED[name], number=3)[name]

    assert not first.passed
    assert second.passed
    listed = [{each.finding for each in check.findings} for check in (first, second, again)]
    assert listed == [listed[0]] * 3
    later = results(warehouse, REPEATED[name], BillingPeriod(2026, 11), number=4)[name]
    assert not later.passed, "October is not loaded"


def test_warning_check__another_fault_than_the_month_before__warns(warehouse: WarehouseFile) -> None:
    load(warehouse, [row(offering_item="vms", absolute_production=1)], BillingPeriod(2026, 8))
    for number, (name, rows) in enumerate(REPEATED.items(), 2):
        assert name in failed(results(warehouse, rows, number=number))


USED = {"delta_production": 1}


@pytest.mark.parametrize(
    ("rows", "warns"),
    [
        ([points(delta_production=-18)], True),
        ([points(delta_trial=-1)], True),
        ([row(offering_item="esignatures", is_range=True, delta_production=-1)], True),
        # Two storages are one line.
        ([points(infra_id=STORAGE_1, delta_production=-1), points(infra_id=STORAGE_2, delta_trial=1)], True),
        ([points(infra_id=STORAGE_1, delta_production=-1), points(infra_id=STORAGE_2, **USED)], False),
        ([points(edition="a", delta_production=-1), points(edition="b", delta_production=1)], True),
        # A level that fell, and rows that are not billed.
        ([row(delta_production=-5, absolute_production=3)], False),
        ([own_points(-5), points(delta_production=0)], False),
    ],
)  # fmt: skip
def test_negative_quantities__billable_line__warns(
    warehouse: WarehouseFile, rows: list[dict[str, Any]], warns: bool
) -> None:
    found = results(warehouse, rows)["negative_quantities"]

    assert (found.passed, found.severity) == (not warns, "warn")


def test_questionable_values__blanks_around_a_key__warns(warehouse: WarehouseFile) -> None:
    blanks = [" ", "\t", "\n", "\u00a0", "\u3000", "\u200b", "\ufeff"]
    fields = ["sku", "offering_item", "edition", "application_name", "tenant_kind", "customer_id"]
    texts = [text for blank in blanks for text in (f"{blank}A", f"A{blank}", blank)]
    inside = [row(**{field: f"A{blank}|B"}) for field in fields for blank in blanks]

    sound = results(warehouse, [*inside, row(sku=None, edition=None)])["questionable_values"]
    found = results(warehouse, [row(**{field: text}) for field in fields for text in texts], number=2)[
        "questionable_values"
    ]

    assert sound.passed
    assert (found.passed, found.severity) == (False, "warn")
    assert found.finding_rows == len(fields) * len(texts)


@pytest.mark.parametrize("part", ["production", "trial"])
def test_questionable_values__level_below_zero__names_it(warehouse: WarehouseFile, part: str) -> None:
    below = storage(**{f"absolute_{part}": -1})

    found = results(warehouse, [row(absolute_production=1, delta_production=-9), below])

    assert found["questionable_values"].detail == (
        f"level below zero: storage of tenant {CUSTOMER} (Bäckerei Müller, GmbH): 1 rows,"
        " the first is row 2 with -1 bytes"
    )


@pytest.mark.parametrize(
    "item",
    [
        *("pw_base_servers", "pg_base_storage", "bndl_compute_points", "p_adv_vms"),
        *("pg_base_secondary_vms", "pw_pack_adv_management", "adv_security_edr_workloads"),
        *("pw_base_c2c_storage",),
    ],
)
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


INFERRED = [
    storage(tenant_id=PARTNER, tenant_kind="partner", infra_owner_id=SUB_PARTNER, absolute_production=1),
    storage(infra_id=STORAGE_2, absolute_production=1),
]


@pytest.mark.parametrize("rows", [INFERRED, [*INFERRED, own(infra_owner_id=SUB_PARTNER, infra_id=STORAGE_1)]])
def test_storage_ownership__inferred_owner__is_information(
    warehouse: WarehouseFile, rows: list[dict[str, Any]]
) -> None:
    found = results(warehouse, rows)["storage_ownership"]

    assert found.passed
    assert f"owner {SUB_PARTNER}: partner, inferred" in found.detail


def test_storage_ownership__owner_changes_sides__warns_in_that_month(warehouse: WarehouseFile) -> None:
    load(warehouse, INFERRED, BillingPeriod(2026, 8))
    moved = [*INFERRED, storage(infra_owner_id=SUB_PARTNER, tenant_id=OTHER_CUSTOMER)]

    found = results(warehouse, moved, number=2)["storage_ownership"]

    assert not found.passed
    assert found.detail == (
        f"owner {SUB_PARTNER}: acronis, above all tenants of the report; the month before partner"
    )
    later = results(warehouse, moved, period=BillingPeriod(2026, 10), number=3)["storage_ownership"]
    assert later.passed


def test_storage_ownership__no_partners_in_all_customers__warns_once(warehouse: WarehouseFile) -> None:
    rows = [storage(), storage(infra_owner_id=SUB_PARTNER, infra_id=STORAGE_2)]
    partner = row(tenant_id=SUB_PARTNER, tenant_kind="partner", absolute_production=1)
    level: dict[str, Any] = {"report_level": "all_customers"}

    assert results(warehouse, [*rows, partner], **level)["storage_ownership"].passed
    first = results(warehouse, rows, number=2, **level)["storage_ownership"]
    second = results(warehouse, rows, period=BillingPeriod(2026, 10), number=3, **level)["storage_ownership"]

    assert not first.passed
    assert "the report lists no partners" in first.detail
    assert second.passed


@pytest.mark.parametrize(
    ("level", "kinds"),
    [
        ("direct_partners", ["partner", "folder", "customer"]),
        ("all_customers", ["partner", "customer", "Customer"]),
        ("accounts", ["partner", "folder", "customer", "unit"]),
    ],
)
def test_level__documented_rows__passes(warehouse: WarehouseFile, level: str, kinds: list[str]) -> None:
    rows = [
        row(tenant_id=f"30000000-0000-4000-8000-00000000020{n}", tenant_kind=kind)
        for n, kind in enumerate(kinds)
    ]

    assert results(warehouse, [own(), *rows], report_level=level)["level"].passed


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
