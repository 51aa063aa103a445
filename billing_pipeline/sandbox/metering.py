"""How much each tenant used: quantities that follow from seed, tenant, offering item and month.

The level of a month is computed without the months before it, so `delta` is always the difference of two
levels, and any month can be reported first. A trial tenant that becomes a paying one takes its level along.
Everything is an integer.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from hashlib import shake_128
from typing import NamedTuple

from billing_pipeline.sandbox.distributor import Tenant
from billing_pipeline.sandbox.offering import (
    NO_INFRA,
    PLATFORM_INFRAS,
    PROFILES,
    Infra,
    Metering,
    OfferingItem,
)
from billing_pipeline.sandbox.windows import EPOCH, Point, Window

_PROFILES = tuple(PROFILES.values())
_DRAWS = struct.Struct("<96I")
_TIE = 18  # seconds: an odd multiple of 18 s is exactly half a hundredth of a compute point
# Which backup storages a tenant uses: numbers of the platform's, -1 for the nearest partner's own one.
_PLACEMENTS = ((0,), (0, -1), (1,), (0, 1, -1), (-1,), (0, 2), (0,), (1, 2))


class Usage(NamedTuple):
    """A tenant's usage of an item on an infrastructure over a window. `draw` decides quotas and prices."""

    item: OfferingItem
    infra: Infra
    absolute_production: int
    absolute_trial: int
    delta_production: int
    delta_trial: int
    draw: int


class _Series(NamedTuple):
    """What a tenant is metered for: an item on an infrastructure, with 64 random bits."""

    item: OfferingItem
    infra: Infra
    a: int
    b: int
    order: int  # 0 for the item's first storage, 1 for the second …


def tenant_usage(seed: int, tenant: Tenant, window: Window) -> list[Usage]:
    """The tenant's usage over the window; that of a tenant with children is the exact sum of theirs.

    Args:
        seed: that of the distributor.
        tenant: any of its tenants.
        window: the reported days.

    Returns:
        One entry for each item and infrastructure, ordered by both; zeros for what was not used.
    """
    leaves = list(tenant.leaves(window.months))
    if leaves == [tenant]:
        return list(_leaf_usage(seed, tenant, window))
    sums: dict[tuple[int, int], Usage] = {}
    for leaf in leaves:
        for used in _leaf_usage(seed, leaf, window):
            key = (used.item.number, used.infra.number)
            before = sums.get(key)
            sums[key] = used._replace(draw=0) if before is None else _add(before, used)
    return [usage for _, usage in sorted(sums.items())]


def _add(one: Usage, other: Usage) -> Usage:
    return Usage(
        one.item,
        one.infra,
        one.absolute_production + other.absolute_production,
        one.absolute_trial + other.absolute_trial,
        one.delta_production + other.delta_production,
        one.delta_trial + other.delta_trial,
        0,
    )


def _leaf_usage(seed: int, leaf: Tenant, window: Window) -> Iterator[Usage]:
    for series in _series(seed, leaf):
        production, trial = _level(series, leaf, window.closing)
        if series.item.is_range:
            first = window.opening.month
            after = _accrued(series, leaf, window.closing, first)
            before = _accrued(series, leaf, window.opening, first)
        else:
            after, before = (production, trial), _level(series, leaf, window.opening)
        delta_production, delta_trial = after[0] - before[0], after[1] - before[1]
        yield Usage(series.item, series.infra, production, trial, delta_production, delta_trial, series.a)


def _series(seed: int, leaf: Tenant) -> Iterator[_Series]:
    """The items of the leaf's profile, once for each storage that it uses."""
    draws = iter(_DRAWS.unpack(shake_128(f"{seed}/{leaf.id}".encode()).digest(_DRAWS.size)))
    placement = _PLACEMENTS[leaf.draw >> 20 & 7]
    own = _partner_storage(leaf.partner)
    storages = [own if number < 0 else PLATFORM_INFRAS["backup"][number] for number in placement]
    for item in _PROFILES[leaf.draw % len(_PROFILES)]:
        a, b = next(draws), next(draws)
        if not a & 15:
            continue  # not switched on for this tenant
        if item.infra_kind == "backup":
            for order, infra in enumerate(storages):
                yield _Series(item, infra, a, b, order)
            continue
        if item.metering is Metering.FLAG and own not in storages:
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
    """The level at the end of the month, or what accumulated in it."""
    item, _, a, b, order = series
    if not a & 0x70:
        return 0  # an eighth of what is switched on is never used
    if item.metering in (Metering.ONE, Metering.FLAG):
        return 1
    if item.is_range:
        draw = ((b >> 3) + order + month * ((b >> 19 & 0x1FF) * 2 + 1)) * 2654435761 & 0xFFFFFFFF
        if item.metering is Metering.RANGE:
            return draw % 50
        seconds = _TIE * (draw % 20_000 * 2 + 1) if a & 0x100 else draw % 720_000
        return -seconds if draw % 11 == 0 else seconds
    if item.metering is Metering.COUNT:
        base = 1 + (a >> 8) % 60
        swing = 3 + (base >> 3)
    else:
        base = ((a >> 8) + 1 << 16) + (b & 0xFFFF) >> 2 * order
        swing = base >> 4
    growth = base * (month - EPOCH) * (b & 7) >> 10
    return base + growth + ((b >> 3 & 0xFF) + month * ((b >> 11 & 31) * 2 + 1)) % 97 * swing // 97


def _monthly(series: _Series, leaf: Tenant, month: int) -> tuple[int, int]:
    """The month's quantity as production and trial."""
    if not leaf.born <= month < leaf.gone:
        return 0, 0
    quantity = _quantity(series, month)
    return (0, quantity) if month < leaf.trial_until else (quantity, 0)


def _level(series: _Series, leaf: Tenant, point: Point) -> tuple[int, int]:
    """Production and trial level at a point in time, on the line between two ends of a month."""
    production, trial = _monthly(series, leaf, point.month)
    if series.item.is_range:
        accrued = production * point.elapsed // point.length, trial * point.elapsed // point.length
        offset = _offset(series) if leaf.born <= point.month < leaf.gone else 0
        on_trial = point.month < leaf.trial_until
        return accrued[0] + (0 if on_trial else offset), accrued[1] + (offset if on_trial else 0)
    if point.elapsed == point.length:
        return production, trial
    before = _monthly(series, leaf, point.month - 1)
    return (
        before[0] + (production - before[0]) * point.elapsed // point.length,
        before[1] + (trial - before[1]) * point.elapsed // point.length,
    )


def _offset(series: _Series) -> int:
    """Earlier usage that a range item's absolute value includes, so that absolute and delta differ."""
    if not series.a & 0x70:
        return 0
    return series.a & 0xFFFFF if series.item.metering is Metering.SECONDS else series.a & 63


def _accrued(series: _Series, leaf: Tenant, point: Point, since: int) -> tuple[int, int]:
    """What accumulated from the beginning of the month `since` until the point."""
    production, trial = (part * point.elapsed // point.length for part in _monthly(series, leaf, point.month))
    for month in range(since, point.month):
        whole = _monthly(series, leaf, month)
        production += whole[0]
        trial += whole[1]
    return production, trial
