"""The invented usage obeys the rules that real usage obeys."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from itertools import pairwise
from typing import get_args
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing_pipeline.sandbox.distributor import Distributor
from billing_pipeline.sandbox.metering import UsageRow
from billing_pipeline.sandbox.offering import PROFILES
from billing_pipeline.sandbox.report_rows import Level, ReportSelection, report_rows
from billing_pipeline.sandbox.windows import EPOCH, Window
from billing_pipeline_tests.harness.hostile_names import HOSTILE_NAMES

Key = tuple[str, str, str | None]
Measures = tuple[int, int, int, int]
MONTHS = [f"{year}-{month:02d}" for year in (2025, 2026) for month in range(1, 13)]


def _selection(distributor: Distributor, window: Window | str, **rest: object) -> ReportSelection:
    if isinstance(window, str):
        window = Window.of_month(window)
    return ReportSelection(**({"tenant_id": distributor.root.id, "period": window} | rest))  # type: ignore[arg-type]


def _measures(row: UsageRow) -> Measures:
    return row.absolute_production, row.absolute_trial, row.delta_production, row.delta_trial


def _by_key(distributor: Distributor, selection: ReportSelection) -> dict[Key, Measures]:
    """The rows of a report that has one date, by tenant, item and infrastructure; no key occurs twice."""
    found: dict[Key, Measures] = {}
    for tenant, rows in report_rows(distributor, selection):
        for row in rows:
            key = (tenant.id, row.item.name, row.infra.id)
            assert key not in found
            found[key] = _measures(row)
    return found


def test_report_rows__larger_distributor__contains_rows_of_smaller() -> None:
    small, same, large, other = Distributor(5, 30), Distributor(5, 30), Distributor(5, 45), Distributor(6, 30)
    rows = list(report_rows(small, _selection(small, "2026-09")))
    assert rows == list(report_rows(same, _selection(same, "2026-09")))
    # The distributor's own rows come first; they grow with it.
    assert rows[1:] == list(report_rows(large, _selection(large, "2026-09")))[1 : len(rows)]
    assert rows != list(report_rows(other, _selection(other, "2026-09")))


@pytest.mark.slow
@pytest.mark.parametrize("level", get_args(Level))
def test_report_rows__next_month__level_is_previous_plus_delta(level: str) -> None:
    distributor = Distributor(11, 20)
    ranged = {item.name for profile in PROFILES for item in profile if item.is_range}
    before: dict[Key, Measures] = {}
    for month in MONTHS:
        now = _by_key(distributor, _selection(distributor, month, level=level))
        if before:
            for key in now.keys() | before.keys():
                if key[1] not in ranged:
                    was, new = before.get(key, (0, 0, 0, 0)), now.get(key, (0, 0, 0, 0))
                    assert (was[0] + new[2], was[1] + new[3]) == (new[0], new[1]), (month, key)
        before = now


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["usage_summary", "usage_breakdown"])
def test_report_rows__tenant_with_children__sum_of_children(kind: str) -> None:
    distributor = Distributor(3, 50)
    window = Window.of_month("2026-09")
    parents = [t for t in distributor.root.descendants(window.months) if t.kind != "unit"]
    checked = 0
    for parent in [distributor.root, *parents]:
        if not any(True for _ in parent.existing_children(window.months)):
            continue
        checked += 1
        sums: dict[tuple[str, str | None, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        own: dict[tuple[str, str | None, str], Measures] = {}
        selection = _selection(distributor, window, tenant_id=parent.id, kind=kind)
        for tenant, rows in report_rows(distributor, selection):
            for row in rows:
                key = (row.item.name, row.infra.id, row.date)
                if tenant.id == parent.id:
                    own[key] = _measures(row)
                else:
                    sums[key] = [a + b for a, b in zip(sums[key], _measures(row), strict=True)]
        assert own == {key: tuple(values) for key, values in sums.items()}
    assert checked > 20


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_report_rows__usage_breakdown__days_add_up_to_month(seed: int) -> None:
    distributor = Distributor(seed, 25)
    summary = _by_key(distributor, _selection(distributor, "2026-08", level="all_customers"))
    daily = _selection(distributor, "2026-08", level="all_customers", kind="usage_breakdown")
    sums: dict[Key, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    days = set()
    for tenant, rows in report_rows(distributor, daily):
        for row in rows:
            days.add(row.date)
            total = sums[tenant.id, row.item.name, row.infra.id]
            total[2] += row.delta_production
            total[3] += row.delta_trial
            if row.date == "2026-08-31":
                total[0], total[1] = row.absolute_production, row.absolute_trial
    assert days == {f"2026-08-{day:02d}" for day in range(1, 32)}
    assert {key: tuple(values) for key, values in sums.items()} == summary


def test_report_rows__usage_daily__levels_without_changes() -> None:
    distributor = Distributor(1, 12)
    levels: dict[str, list[tuple[str, str | None, str, int, int]]] = {}
    for kind in ("usage_breakdown", "usage_daily"):
        blocks = list(report_rows(distributor, _selection(distributor, "2026-08", kind=kind)))
        levels[kind] = [
            (row.item.name, row.infra.id, row.date, *_measures(row)[:2]) for _, rows in blocks for row in rows
        ]
    assert levels["usage_daily"] == levels["usage_breakdown"]
    assert not any(any(_measures(row)[2:]) for _, rows in blocks for row in rows)
    points = [row.absolute_production for _, rows in blocks for row in rows if row.item.metering == "seconds"]
    assert len(set(points)) > 100


def test_report_rows__adjacent_windows__deltas_add_up_to_whole() -> None:
    distributor = Distributor(4, 30)
    parts = [
        Window(date(2026, 6, 10), date(2026, 7, 31)),
        Window(date(2026, 8, 1), date(2026, 8, 20)),
    ]
    whole = _by_key(distributor, _selection(distributor, Window(date(2026, 6, 10), date(2026, 8, 20))))
    deltas: dict[Key, list[int]] = defaultdict(lambda: [0, 0])
    for part in parts:
        for key, measures in _by_key(distributor, _selection(distributor, part)).items():
            deltas[key][0] += measures[2]
            deltas[key][1] += measures[3]
    assert {key: [m[2], m[3]] for key, m in whole.items()} == {key: deltas[key] for key in whole}


def test_report_rows__hide_zero_usage__drops_only_rows_of_zeros() -> None:
    distributor = Distributor(8, 50)
    everything = _by_key(distributor, _selection(distributor, "2026-09"))
    shown = _by_key(distributor, _selection(distributor, "2026-09", hide_zero_usage=True))
    assert shown == {key: measures for key, measures in everything.items() if any(measures)}
    assert len(shown) < len(everything)


def test_report_rows__each_level__lists_its_tenants() -> None:
    distributor = Distributor(9, 60)
    window = Window.of_month("2026-09")
    everyone = list(distributor.root.descendants(window.months))
    expected = {
        "direct_partners": {t.id for t in everyone if len(t.path) == 1},
        "all_partners": {t.id for t in everyone if t.kind == "partner"},
        "all_customers": {t.id for t in everyone if t.kind in {"partner", "customer"}},
        "accounts": {t.id for t in everyone},
        "itself": set(),
    }
    assert {t.kind for t in everyone} == {"partner", "folder", "customer", "unit"}
    for level, ids in expected.items():
        blocks = list(report_rows(distributor, _selection(distributor, window, level=level)))
        assert blocks[0][0].id == distributor.root.id
        assert {tenant.id for tenant, _ in blocks[1:]} == ids
        assert len(blocks) == 1 + len(ids)


@pytest.mark.slow
def test_report_rows__any_three_months__tenants_come_go_and_rename() -> None:
    distributor = Distributor(2015, 40)
    for start in range(len(MONTHS) - 2):
        seen: list[dict[str, str]] = []
        for month in MONTHS[start : start + 3]:
            blocks = report_rows(distributor, _selection(distributor, month, hide_zero_usage=True))
            seen.append({tenant.id: tenant.name for tenant, _ in blocks})
        first, second, third = seen
        assert (second.keys() - first.keys()) | (third.keys() - second.keys())
        assert (first.keys() - second.keys()) | (second.keys() - third.keys())
        lasting = first.keys() & third.keys()
        assert len(lasting) > 30
        assert any(first[tenant] != third[tenant] for tenant in lasting)


def test_report_rows__hostile_names__are_the_tenants_names() -> None:
    distributor = Distributor(2015, 40, HOSTILE_NAMES)
    blocks = report_rows(distributor, _selection(distributor, "2026-09"))
    names = {tenant.name.removesuffix(" Gruppe").removesuffix(" International") for tenant, _ in blocks}
    assert len(names & set(HOSTILE_NAMES.values())) >= len(HOSTILE_NAMES) - 2  # two come and go


def test_report_rows__default_distributor__is_believable() -> None:
    distributor = Distributor(2015, 40)
    growth: dict[str, list[int]] = defaultdict(list)
    for month in MONTHS[12:]:
        blocks = list(report_rows(distributor, _selection(distributor, month, level="all_customers")))
        names = [tenant.name for tenant, _ in blocks]
        assert len(set(names)) == len(names)
        assert all(name.isprintable() and name[0].isalpha() for name in names)
        rows = [row for _, block in blocks for row in block]
        assert all(min(_measures(row)[:2]) >= 0 for row in rows)
        assert all(min(_measures(row)[2:]) >= 0 for row in rows if row.item.is_range)
        for tenant, block in blocks:
            for row in block:
                level = row.absolute_production + row.absolute_trial
                if tenant.kind == "customer" and row.item.metering == "bytes" and level > 2**36:
                    growth[f"{tenant.id} {row.item.number} {row.infra.number}"].append(level)
    assert all(any(text in name for name in names) for text in ("ü", "'", "株式会社"))
    lasting = [levels for levels in growth.values() if len(levels) == 12]
    assert len(lasting) > 200
    steps = [abs(b - a) / a for levels in lasting for a, b in pairwise(levels)]
    assert max(steps) < 0.05
    assert sum(levels[-1] > levels[0] for levels in lasting) > 0.7 * len(lasting)


def test_report_rows__default_distributor__shows_every_kind_of_row() -> None:
    distributor = Distributor(2015, 40)
    blocks = list(report_rows(distributor, _selection(distributor, "2026-09", hide_zero_usage=True)))
    rows = [row for _, block in blocks for row in block]
    assert {row.item.sku_state for row in rows} == {"text", "null", "empty", "absent"}
    assert {tenant.kind for tenant, _ in blocks} == {"partner", "folder", "customer"}
    assert any(t.customer_id for t, _ in blocks)
    assert any(not t.customer_id for t, _ in blocks)
    partners = {tenant.id for tenant, _ in blocks if tenant.kind == "partner"} | {distributor.root.id}
    assert any(row.infra.owner_id in partners for row in rows)
    assert any(row.item.name.endswith("child_storages") for row in rows)
    assert any(
        len({r.infra.id for r in block if r.item.name.endswith("base_storage")}) > 1 for _, block in blocks
    )
    seconds = [row for row in rows if row.item.measurement_unit == "seconds"]
    assert len({row.item.name for row in seconds}) >= 5
    assert all(row.item.name.endswith("compute_points") and row.item.is_range for row in seconds)
    deltas = [row.delta_production for row in seconds]
    assert any(delta > 0 and delta % 36 == 18 for delta in deltas)
    assert any(delta % 36 not in {0, 18} for delta in deltas)
    assert any(row.delta_production < 0 for row in rows if row not in seconds)
    assert any(row.absolute_trial and row.absolute_production for row in rows)
    assert any(row.quota for row in rows)
    assert 0 < sum(1 for row in rows if row.pricing.price) < len(rows) / 10


def test_report_rows__seasonal_tenant__listed_until_usage_ends() -> None:
    distributor = Distributor(1, 8)
    # Slot 7 comes every four months, counted from January 2015; it uses something in two of them.
    listed = []
    for month in MONTHS[12:18]:
        blocks = report_rows(distributor, _selection(distributor, month))
        listed.append([tenant.id for tenant, _ in blocks if tenant.name.startswith("Messebau")])
    january, february, march, april, may, june = listed
    assert january == february == march != []
    assert april == []
    assert may == june != []
    assert may != january


def test_report_rows__before_the_epoch__no_rows() -> None:
    distributor = Distributor(1, 40)
    assert list(report_rows(distributor, _selection(distributor, "2014-06"))) == []


@given(seed=st.integers(0, 2**40), places=st.integers(1, 100))
@settings(max_examples=20, deadline=None)
def test_find__id_of_any_tenant__returns_that_tenant(seed: int, places: int) -> None:
    distributor, larger = Distributor(seed, places), Distributor(seed, places + 1)
    other = Distributor(seed + 1, places)
    always = range(EPOCH, EPOCH + 500)
    tenants = [distributor.root, *distributor.root.descendants(always)]
    assert len({tenant.id for tenant in tenants}) == len(tenants) > places
    for tenant in tenants:
        assert UUID(tenant.id).version == 4
        assert distributor.find(tenant.id) is tenant
        assert other.find(tenant.id) is None
    added = [tenant for tenant in larger.root.descendants(always) if tenant.path[0] == places]
    assert added
    assert all(distributor.find(tenant.id) is None for tenant in added)
