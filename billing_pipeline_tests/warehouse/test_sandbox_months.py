"""A whole distributor: the views against the sandbox's own figures, an independent path."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from billing_pipeline.sandbox.distributor import Tenant
from billing_pipeline.sandbox.offering import PLATFORM_OWNER_ID
from billing_pipeline.sandbox.report_rows import ReportSelection, report_rows
from billing_pipeline.sandbox.windows import Window
from billing_pipeline.warehouse import Warehouse, WarehouseFile
from billing_pipeline_tests.demo_months import PERIODS, DemoMonths
from billing_pipeline_tests.warehouse.reports import query

JULY, _, SEPTEMBER = PERIODS


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The three months of `make demo`, as they were in autumn 2026."""
    warehouse = WarehouseFile(tmp_path_factory.mktemp("demo"))
    DemoMonths().load(warehouse)
    return warehouse


def expected_bill() -> dict[tuple[Any, ...], tuple[int, int, int]]:
    """September's bill, summed row by row in Python: hundredths of points, bytes, or counts."""
    distributor = DemoMonths().distributor
    selection = ReportSelection(
        tenant_id=distributor.root.id, period=Window.of_month(SEPTEMBER.key), hide_zero_usage=True
    )
    bill: dict[tuple[Any, ...], tuple[int, int, int]] = {}
    for tenant, rows in report_rows(distributor, selection):
        if tenant.id == distributor.root.id:
            continue  # its own rows are the sums of all others
        for usage in rows:
            item, infra = usage.item, usage.infra
            owner = (
                None if infra.id is None else "acronis" if infra.owner_id == PLATFORM_OWNER_ID else "partner"
            )
            if item.measurement_unit == "seconds":
                pair = (_hundredths(usage.delta_production), _hundredths(usage.delta_trial))
                total = _hundredths(usage.delta_production + usage.delta_trial)
            elif item.is_range:
                pair, total = (
                    (usage.delta_production, usage.delta_trial),
                    usage.delta_production + usage.delta_trial,
                )
            else:
                pair = (usage.absolute_production, usage.absolute_trial)
                total = sum(pair)
            key = (
                tenant.id,
                item.name,
                item.edition,
                item.sku if item.sku_state == "text" else None,
                owner,
            )
            old = bill.get(key, (0, 0, 0))
            bill[key] = (old[0] + pair[0], old[1] + pair[1], old[2] + total)
    return bill


def _hundredths(seconds: int) -> int:
    magnitude = Fraction(abs(seconds) * 100, 3600)
    rounded = int(magnitude + Fraction(1, 2))
    return rounded if seconds >= 0 else -rounded


def test_billable_usage__demo_month__every_line(demo: Warehouse) -> None:
    expected = expected_bill()
    found = query(demo, f"SELECT * FROM billable_usage WHERE billing_period = '{SEPTEMBER.start}'")
    in_smallest_unit = {"compute points": Decimal(100), "GiB": Decimal(2**30), "count": Decimal(1)}

    assert len(found) == len(expected) > 1000
    for line in found:
        key = (
            str(line["tenant_id"]),
            line["offering_item"],
            line["edition"],
            line["sku"],
            line["storage_ownership"],
        )
        factor = in_smallest_unit[line["unit"]]
        quantities = tuple(
            round(line[name] * factor) for name in ("quantity", "quantity_trial", "quantity_total")
        )
        assert quantities == expected[key], key


def test_ownership__demo_month__every_owner(demo: Warehouse) -> None:
    owners = query(
        demo, "SELECT DISTINCT infra_owner_id, storage_ownership, reason FROM infrastructure_ownership"
    )

    assert len(owners) > 10
    assert any(owner["reason"].startswith("inferred") for owner in owners)
    for owner in owners:
        is_acronis = str(owner["infra_owner_id"]) == PLATFORM_OWNER_ID
        assert owner["storage_ownership"] == ("acronis" if is_acronis else "partner"), owner


def test_tenant_changes__demo_months__new_lost_renamed(demo: Warehouse) -> None:
    distributor = DemoMonths().distributor
    names = {period: _active_names(distributor.root, period.key) for period in PERIODS}
    expected = set()
    for before, now in ((PERIODS[0], PERIODS[1]), (PERIODS[1], PERIODS[2])):
        for tenant_id in {*names[before], *names[now]}:
            old, new = names[before].get(tenant_id), names[now].get(tenant_id)
            if old != new:
                kind = "new" if old is None else "lost" if new is None else "renamed"
                expected.add((now.start, tenant_id, kind, old, new))

    found = query(demo, "SELECT billing_period, tenant_id, change, name_before, name FROM tenant_changes")

    assert {kind for _, _, kind, _, _ in expected} >= {"renamed"}
    assert {
        (*list(line.values())[:1], str(line["tenant_id"]), *list(line.values())[2:]) for line in found
    } == expected


def _active_names(root: Tenant, key: str) -> dict[str, str]:
    """Tenants with any usage, production or trial, by the billing rules."""
    distributor = DemoMonths().distributor
    selection = ReportSelection(tenant_id=root.id, period=Window.of_month(key), hide_zero_usage=True)
    return {
        tenant.id: tenant.name
        for tenant, rows in report_rows(distributor, selection)
        if tenant.id != root.id
        and any(
            (usage.delta_production + usage.delta_trial)
            if usage.item.is_range
            else (usage.absolute_production + usage.absolute_trial)
            for usage in rows
        )
    }


@pytest.mark.parametrize("level", ["all_customers", "accounts", "itself", "all_partners"])
def test_billable_usage__other_levels__bill_one_level(
    tmp_path_factory: pytest.TempPathFactory, level: str
) -> None:
    warehouse = WarehouseFile(tmp_path_factory.mktemp(level))
    DemoMonths(tenants=12, level=level).load(warehouse, [SEPTEMBER])

    kinds = {
        line["tenant_kind"] for line in query(warehouse, "SELECT DISTINCT tenant_kind FROM billable_usage")
    }

    assert kinds == {"all_customers": {"customer"}, "accounts": {"customer"}, "itself": {"partner"}}.get(
        level, set()
    )


def test_billable_usage__breakdown_by_day__bills_like_summary(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    bills = []
    for kind in ("usage_summary", "usage_breakdown"):
        warehouse = WarehouseFile(tmp_path_factory.mktemp(kind))
        DemoMonths(tenants=6, kind=kind).load(warehouse, [JULY])
        bills.append(
            query(
                warehouse,
                "SELECT tenant_id, offering_item, sku, storage_ownership, quantity_total FROM billable_usage"
                " WHERE quantity_total <> 0 AND unit <> 'compute points' ORDER BY ALL",
            )
        )

    assert bills[0] == bills[1]
    assert len(bills[0]) > 50


def test_billable_usage__plan__estimates_no_more_lines_than_rows(demo: Warehouse) -> None:
    """With a far larger estimate, DuckDB holds the whole month in memory: a million rows exceed its limit."""
    (plan,) = query(
        demo, f"EXPLAIN (FORMAT json) FROM billable_usage WHERE billing_period = '{SEPTEMBER.start}'"
    )
    estimates = re.findall(r'"Estimated Cardinality": "(\d+)"', plan["explain_value"])
    (usage,) = query(demo, "SELECT count(*) AS n FROM usage")

    assert 0 < max(map(int, estimates)) <= usage["n"]
