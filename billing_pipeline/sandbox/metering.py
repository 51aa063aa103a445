"""How much each tenant used: quantities as pure functions of (seed, tenant, offering item, month).

The level of a month is computed directly, without the months before, so `delta` is always the difference of
two levels, and any month can be asked for first. Production and trial move together: a tenant that becomes a
paying one takes its level along. Everything is an integer.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from hashlib import shake_128
from typing import NamedTuple

from billing_pipeline.sandbox.distributor import Distributor, Life, Tenant
from billing_pipeline.sandbox.offering import (
    NO_INFRA,
    PLATFORM_INFRAS,
    PROFILES,
    Infra,
    Metering,
    Offer,
    OfferingItem,
)
from billing_pipeline.sandbox.windows import EPOCH, Point, Window

_PROFILES = tuple(PROFILES.values())
_WORDS = struct.Struct("<96I")
_TIE = 18  # seconds: an odd multiple of 18 s is exactly half a hundredth of a compute point

_COUNT, _BYTES, _SECONDS, _RANGE, _FLAG, _ONE = Metering
_PLATFORM = {kind: tuple(enumerate(infras)) for kind, infras in PLATFORM_INFRAS.items()}
# Which storages a tenant's backups lie on: numbers of the platform's ones, -1 for the partner's own.
_PLACEMENTS = ((0,), (0, -1), (1,), (0, 1, -1), (-1,), (0, 2), (0,), (1, 2))


class Usage(NamedTuple):
    """One leaf's or one tenant's usage of an offer over a window. `chance` decides quotas and prices."""

    offer: Offer
    absolute_production: int
    absolute_trial: int
    delta_production: int
    delta_trial: int
    chance: int


class _Series(NamedTuple):
    offer: Offer
    metering: Metering
    a: int
    b: int
    order: int  # 0 for the first storage of an item, 1 for the second …


class Meter:
    """Usage of the tenants of one distributor."""

    def __init__(self, distributor: Distributor) -> None:
        self._distributor = distributor
        self._offers: dict[tuple[int, object], Offer] = {}

    def usage(self, tenant: Tenant, window: Window) -> list[Usage]:
        """The tenant's usage over the window; of a tenant with children, the exact sum of theirs.

        Offers that the tenant has but did not use are there, with zeros.
        """
        leaves = list(self._distributor.leaves(tenant, window.months))
        if leaves == [tenant]:
            return list(self._leaf_usage(tenant, window))
        sums: dict[int, list[int]] = {}  # the four quantities of `Usage`
        offers: dict[int, Offer] = {}
        for leaf in leaves:
            for used in self._leaf_usage(leaf, window):
                total = sums.get(used[0].key)
                if total is None:
                    offers[used[0].key] = used[0]
                    sums[used[0].key] = [used[1], used[2], used[3], used[4]]
                else:
                    total[0] += used[1]
                    total[1] += used[2]
                    total[2] += used[3]
                    total[3] += used[4]
        return [Usage(offers[key], a, b, c, d, 0) for key, (a, b, c, d) in sorted(sums.items())]

    def _leaf_usage(self, leaf: Tenant, window: Window) -> Iterator[Usage]:
        life = self._distributor.life(leaf)
        if not window.is_month:
            for series in self._series(leaf):
                yield _between(series, life, window)
            return
        month = window.closing.month
        exists, existed = life.born <= month < life.gone, life.born < month <= life.gone
        trial, was_trial = month < life.trial_until, month - 1 < life.trial_until
        for series in self._series(leaf):
            offer, metering, a, _, _ = series
            now = _quantity(series, month) if exists else 0
            if metering is _SECONDS or metering is _RANGE:
                level = now + _offset(series) if exists else 0
                yield Usage(offer, 0, level, 0, now, a) if trial else Usage(offer, level, 0, now, 0, a)
                continue
            before = _quantity(series, month - 1) if existed else 0
            if trial:
                yield Usage(offer, 0, now, 0, now - before, a)
            elif was_trial:
                yield Usage(offer, now, 0, now, -before, a)
            else:
                yield Usage(offer, now, 0, now - before, 0, a)

    def _series(self, leaf: Tenant) -> Iterator[_Series]:
        """What the leaf is metered for: its profile's items, once for each storage that it uses."""
        distributor = self._distributor
        words = _WORDS.unpack(shake_128(f"{distributor.seed}/{leaf.id}".encode()).digest(384))
        placement = _PLACEMENTS[leaf.variety >> 20 & 7]
        owns = -1 in placement
        position = 0
        for item in _PROFILES[leaf.variety % len(_PROFILES)]:
            a, b = words[position], words[position + 1]
            position += 2
            if not a & 15:
                continue  # not switched on for this tenant
            metering = item.metering
            if not item.infra_kind:
                if metering is _FLAG and not owns:
                    a &= ~0x70  # makes it a row of zeros
                yield _Series(self._offer(item, 0, NO_INFRA), metering, a, b, 0)
            elif item.infra_kind == "backup":
                for order, number in enumerate(placement):
                    yield _Series(self._storage(item, number, leaf), metering, a, b, order)
            else:
                number, infra = _PLATFORM[item.infra_kind][0]
                yield _Series(self._offer(item, number, infra), metering, a, b, 0)

    def _storage(self, item: OfferingItem, number: int, leaf: Tenant) -> Offer:
        if number >= 0:
            return self._offer(item, number, PLATFORM_INFRAS["backup"][number])
        owner_path = leaf.owner_path
        offer = self._offers.get((item.number, (owner_path, leaf.incarnation)))
        if offer is None:
            offer = self._owned_storage(item, leaf)
            if (
                len(self._offers) > 20_000
            ):  # a cache: bounded, because a distributor may have a million partners
                self._offers.clear()
            self._offers[item.number, (owner_path, leaf.incarnation)] = offer
        return offer

    def _owned_storage(self, item: OfferingItem, leaf: Tenant) -> Offer:
        """Storage of the nearest partner above: an infrastructure that the platform does not own."""
        owner = self._distributor.root
        for number in leaf.owner_path:
            child = self._distributor.child(owner, number, leaf.incarnation)
            assert child is not None  # noqa: S101 - a leaf's owner lies on the way to it
            owner = child
        identity = shake_128(f"storage/{owner.id}".encode()).hexdigest(16)
        infra_id = f"{identity[:8]}-{identity[8:12]}-4{identity[13:16]}-9{identity[17:20]}-{identity[20:]}"
        code = 1000 + int(owner.id.replace("-", "")[8:20], 16)
        return Offer(
            item.number << 64 | code, item, Infra(infra_id, f"Partner storage {identity[:4]}", None, owner.id)
        )

    def _offer(self, item: OfferingItem, number: int, infra: Infra) -> Offer:
        offer = self._offers.get((item.number, number))
        if offer is None:
            offer = self._offers[item.number, number] = Offer(item.number << 64 | number, item, infra)
        return offer


def _quantity(series: _Series, month: int) -> int:
    """Level at the end of the month, or what accumulated in it."""
    _, metering, a, b, order = series
    if not a & 0x70:
        return 0  # an eighth of what is switched on is never used
    if metering is _COUNT:
        base = 1 + (a >> 8) % 60
        swing = 3 + (base >> 3)
    elif metering is _BYTES:
        base = ((a >> 8) + 1 << 16) + (b & 0xFFFF) >> 2 * order
        swing = base >> 4
    elif metering is _ONE or metering is _FLAG:
        return 1
    else:
        drawn = ((b >> 3) + order + month * ((b >> 19 & 0x1FF) * 2 + 1)) * 2654435761 & 0xFFFFFFFF
        if metering is _RANGE:
            return drawn % 50
        seconds = _TIE * (drawn % 20_000 * 2 + 1) if a & 0x100 else drawn % 720_000
        return -seconds if drawn % 11 == 0 else seconds
    growth = base * (month - EPOCH) * (b & 7) >> 10
    return base + growth + ((b >> 3 & 0xFF) + month * ((b >> 11 & 31) * 2 + 1)) % 97 * swing // 97


def _offset(series: _Series) -> int:
    """What a range item's absolute value shows above the period's own: earlier usage, so the two differ."""
    if not series.a & 0x70:
        return 0
    return series.a & 0xFFFFF if series.metering is _SECONDS else series.a & 63


def _between(series: _Series, life: Life, window: Window) -> Usage:
    """Usage over days that are no whole month: levels lie on the line between two ends of a month."""
    production, trial = _state(series, life, window.closing)
    if series.metering is _SECONDS or series.metering is _RANGE:
        first = window.opening.month
        after, before = (
            _accrued(series, life, window.closing, first),
            _accrued(series, life, window.opening, first),
        )
    else:
        after, before = (production, trial), _state(series, life, window.opening)
    return Usage(series.offer, production, trial, after[0] - before[0], after[1] - before[1], series.a)


def _state(series: _Series, life: Life, point: Point) -> tuple[int, int]:
    """Production and trial level at a point in time."""
    if series.metering is _SECONDS or series.metering is _RANGE:
        production, trial = _monthly(series, life, point.month)
        offset = _offset(series) if life.born <= point.month < life.gone else 0
        on_trial = point.month < life.trial_until
        return (
            production * point.elapsed // point.length + (0 if on_trial else offset),
            trial * point.elapsed // point.length + (offset if on_trial else 0),
        )
    now = _monthly(series, life, point.month)
    if point.elapsed == point.length:
        return now
    before = _monthly(series, life, point.month - 1)
    return (
        before[0] + (now[0] - before[0]) * point.elapsed // point.length,
        before[1] + (now[1] - before[1]) * point.elapsed // point.length,
    )


def _accrued(series: _Series, life: Life, point: Point, since: int) -> tuple[int, int]:
    """What accumulated from the beginning of the month `since` until the point."""
    production, trial = (part * point.elapsed // point.length for part in _monthly(series, life, point.month))
    for month in range(since, point.month):
        whole = _monthly(series, life, month)
        production += whole[0]
        trial += whole[1]
    return production, trial


def _monthly(series: _Series, life: Life, month: int) -> tuple[int, int]:
    if not life.born <= month < life.gone:
        return 0, 0
    quantity = _quantity(series, month)
    return (0, quantity) if month < life.trial_until else (quantity, 0)
