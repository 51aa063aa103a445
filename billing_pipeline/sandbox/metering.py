"""Metering: each tenant's usage as a pure function of seed, tenant, offering item and month.

A month's level is computed independently of earlier months, so `delta` is always the difference of two
levels, and months can be reported in any order. Levels grow or shrink steadily, follow the seasons and vary a
little. A trial tenant keeps its level when it starts to pay. All values are integers, and only a change of a
level can be negative.
"""

import struct
from collections.abc import Iterator
from functools import partial
from hashlib import shake_128
from typing import NamedTuple

from billing_pipeline.sandbox.distributor import Tenant
from billing_pipeline.sandbox.offering import (
    NO_INFRA,
    PLATFORM_INFRAS,
    PROFILES,
    Infra,
    OfferingItem,
)
from billing_pipeline.sandbox.windows import EPOCH, Point, Window

_DRAWS = struct.Struct("<96I")
_TIE = 18  # seconds: an odd multiple of 18 s is exactly half a hundredth of a compute point
_SEASON = (0, 1, 3, 4, 6, 7, 4, 0, 5, 9, 11, 7)  # by month, January first, in 512ths of the base
# Backup storages of a tenant: numbers of the platform's storages, -1 for the nearest partner's.
_PLACEMENTS = ((0,), (0, -1), (1,), (0, 1, -1), (-1,), (0, 2), (0,), (1, 2))


class Pricing(NamedTuple):
    """The `pricing.*` columns; prices are decimal strings."""

    currency: str | None = None
    mode: str | None = None
    price: str | None = None
    total_cost: str | None = None


class UsageRow(NamedTuple):
    """A tenant's usage of an item on an infrastructure up to `date`; `draw` decides quota and price."""

    item: OfferingItem
    infra: Infra
    date: str  # YYYY-MM-DD
    absolute_production: int
    absolute_trial: int
    delta_production: int
    delta_trial: int
    draw: int
    quota: int | None = None
    pricing: Pricing = Pricing()

    @property
    def usage(self) -> dict[str, dict[str, int]]:
        """The nine values of json_v2_0's `usage`."""
        absolute = _parts(self.absolute_production, self.absolute_trial)
        delta = _parts(self.delta_production, self.delta_trial)
        return {"absolute": absolute, "delta": delta, "effective": delta if self.item.is_range else absolute}


def _parts(production: int, trial: int) -> dict[str, int]:
    return {"production": production, "total": production + trial, "trial": trial}


class _Series(NamedTuple):
    """What a tenant is metered for: an item on an infrastructure, with 64 random bits."""

    item: OfferingItem
    infra: Infra
    a: int
    b: int
    order: int  # 0 for the item's first storage, 1 for the second …


def tenant_usage(seed: int, tenant: Tenant, window: Window) -> list[UsageRow]:
    """The tenant's usage over the window; a parent's usage is the exact sum of its children's.

    Returns:
        One row for each item and infrastructure, ordered by both; zeros for what was not used.
    """
    leaves = list(tenant.leaves(window.months))
    if leaves == [tenant]:
        return list(_leaf_usage(seed, tenant, window))
    sums: dict[tuple[int, int], UsageRow] = {}
    for leaf in leaves:
        for row in _leaf_usage(seed, leaf, window):
            key = (row.item.number, row.infra.number)
            before = sums.get(key)
            sums[key] = _sum(before, row) if before else row._replace(draw=0)
    return [row for _, row in sorted(sums.items())]


def _sum(one: UsageRow, other: UsageRow) -> UsageRow:
    return one._replace(
        absolute_production=one.absolute_production + other.absolute_production,
        absolute_trial=one.absolute_trial + other.absolute_trial,
        delta_production=one.delta_production + other.delta_production,
        delta_trial=one.delta_trial + other.delta_trial,
    )


def _leaf_usage(seed: int, leaf: Tenant, window: Window) -> Iterator[UsageRow]:
    date = window.end.isoformat()
    for series in _series(seed, leaf):
        production, delta_production = _measured(series, leaf, window, on_trial=False)
        trial, delta_trial = _measured(series, leaf, window, on_trial=True)
        yield UsageRow(
            series.item, series.infra, date, production, trial, delta_production, delta_trial, series.a
        )


def _series(seed: int, leaf: Tenant) -> Iterator[_Series]:
    """The items of the leaf's profile, once for each storage that it uses."""
    draws = iter(_DRAWS.unpack(shake_128(f"{seed}/{leaf.id}".encode()).digest(_DRAWS.size)))
    placement = _PLACEMENTS[leaf.draw >> 20 & 7]
    own = _partner_storage(leaf.partner)
    storages = [own if number < 0 else PLATFORM_INFRAS["backup"][number] for number in placement]
    for item in PROFILES[leaf.draw % len(PROFILES)]:
        a, b = next(draws), next(draws)
        if not a & 15:
            continue  # not enabled for this tenant
        if item.infra_kind == "backup":
            for order, infra in enumerate(storages):
                yield _Series(item, infra, a, b, order)
            continue
        if item.metering == "flag" and own not in storages:
            a &= ~0x70  # a row of zeros
        infra = PLATFORM_INFRAS[item.infra_kind][0] if item.infra_kind else NO_INFRA
        yield _Series(item, infra, a, b, 0)


def _partner_storage(partner: Tenant) -> Infra:
    """The partner's own storage: an infrastructure that the platform does not own."""
    digits = shake_128(f"storage/{partner.id}".encode()).hexdigest(16)
    infra_id = f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-9{digits[17:20]}-{digits[20:]}"
    number = 1000 + int(partner.id.replace("-", "")[8:20], 16)
    return Infra(number, infra_id, f"Partner storage {digits[:4]}", None, partner.id)


def _quantity(series: _Series, month: int) -> int:
    """The level at the end of the month, or the amount accumulated in it."""
    item, _, a, b, _ = series
    if not a & 0x70:
        return 0  # an eighth of the enabled items is never used
    if item.metering in ("one", "flag"):
        return 1
    varying = ((b ^ month * 2654435761) * 2246822519 & 0xFFFFFFFF) >> 24
    if item.metering == "range":
        return (1 + (a >> 8) % item.typical) * varying >> 8
    base = _base(series)
    growth = base * (month - EPOCH) * ((b & 7) - 1) >> 10
    season = base * _SEASON[month % 12] * (b >> 3 & 3) >> 9
    quantity = base + growth + season + (base * varying >> (9 if item.is_range else 15))
    if item.is_range and a & 0x80:
        return _TIE * (quantity // (2 * _TIE) * 2 + 1)
    return quantity


def _base(series: _Series) -> int:
    """The quantity without growth and season."""
    item, _, a, b, order = series
    share = 1 + (a >> 8 & 0xFFFF)  # of the typical quantity, in 65536ths
    if item.metering == "count":
        return 1 + (item.typical * share >> 16)
    if item.metering == "seconds":
        return 3600 * item.typical * share >> 16
    return (item.typical * share << 14) + (b & 0xFFFF) >> 2 * order


def _is_metered(leaf: Tenant, month: int, *, on_trial: bool) -> bool:
    return leaf.born <= month < leaf.gone and on_trial == (month < leaf.trial_until)


def _monthly(series: _Series, leaf: Tenant, month: int, *, on_trial: bool) -> int:
    """The month's quantity, production or trial."""
    return _quantity(series, month) if _is_metered(leaf, month, on_trial=on_trial) else 0


def _level(series: _Series, leaf: Tenant, point: Point, *, on_trial: bool) -> int:
    """The level at a point in time, linear between two ends of months."""
    level = _monthly(series, leaf, point.month, on_trial=on_trial)
    if series.item.is_range:
        # The absolute value of a range item includes earlier usage, so that it differs from the delta.
        metered = series.a & 0x70 and _is_metered(leaf, point.month, on_trial=on_trial)
        earlier = series.a & (0xFFFFF if series.item.metering == "seconds" else 63)
        return level * point.elapsed // point.length + (earlier if metered else 0)
    if point.elapsed == point.length:
        return level
    before = _monthly(series, leaf, point.month - 1, on_trial=on_trial)
    return before + (level - before) * point.elapsed // point.length


def _measured(series: _Series, leaf: Tenant, window: Window, *, on_trial: bool) -> tuple[int, int]:
    """The level at the end of the window, and the change or, for range items, accumulation over it."""
    opening, closing = window.opening, window.closing
    level = _level(series, leaf, closing, on_trial=on_trial)
    if not series.item.is_range:
        return level, level - _level(series, leaf, opening, on_trial=on_trial)
    monthly = partial(_monthly, series, leaf, on_trial=on_trial)
    whole = sum(monthly(month) for month in range(opening.month, closing.month))
    begun = monthly(closing.month) * closing.elapsed // closing.length
    return level, whole + begun - monthly(opening.month) * opening.elapsed // opening.length
