"""The sandbox's tenants: a distributor with partners, folders, customers and units below it.

A pure function of the seed: every tenant can be derived from its place in the tree, so a million of them need
no memory, and a larger distributor contains the smaller one unchanged. Some direct children come and go: they
appear, vanish, and their place is taken by a new tenant with a new UUID some months later.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

from billing_pipeline.sandbox.names import ROOT_NAME, SPECIAL_NAMES, composed_name, renamed
from billing_pipeline.sandbox.windows import EPOCH

# Tenants that last two months and come again after four, in turn: any three months show one come and one go.
_SEASONAL_SLOTS = {7: 0, 11: 2}  # slot: months after the epoch
_RENAMED_SLOT = 6  # gets another name every two months
_NEVER = 1 << 30


class Life(NamedTuple):
    """The months `born` ≤ m < `gone` in which a tenant exists; on trial in those before `trial_until`."""

    born: int
    gone: int
    trial_until: int


@dataclass(frozen=True, slots=True)
class Tenant:
    """A place in the tree: `path` has the child numbers from the root down; `variety` is its chance."""

    path: tuple[int, ...]
    incarnation: int
    kind: str
    id: str
    variety: int
    owner_path: tuple[int, ...]  # the nearest partner above, whose own storage it may use

    @property
    def customer_id(self) -> str | None:
        """The partner's own customer number: a text, sometimes with leading zeros."""
        number = self.variety // 64 % 100_000
        return {0: f"CRM-{number:05d}", 1: f"{number % 1000:05d}", 2: f"{number % 100}E{number % 7}"}.get(
            self.variety % 8
        )


class Distributor:
    """The tenants of one seed.

    Args:
        seed: any integer.
        tenants: number of places directly below the distributor; a place is vacant in some months.
    """

    def __init__(self, seed: int, tenants: int) -> None:
        if not 0 <= tenants < (1 << 20) - 1:
            raise ValueError("the sandbox has room for 0 to 1,048,574 direct children")
        self.seed = seed
        self.tenants = tenants
        self.root = self._tenant((), 0, "partner", ())

    def find(self, tenant_id: str) -> Tenant | None:
        """The tenant with this UUID, whether or not it exists in a certain month; None if it is not ours."""
        digits = tenant_id.replace("-", "")
        packed = int(digits[20:], 16) ^ self._mask(digits[:20])
        numbers = [packed >> 28, *(packed >> shift & 63 for shift in (12, 6, 0))]
        while numbers and not numbers[-1]:
            numbers.pop()
        if 0 in numbers or (numbers and numbers[0] > self.tenants):
            return None
        tenant = self.root
        incarnation = packed >> 18 & 1023
        for number in numbers:
            child = self.child(tenant, number - 1, incarnation)
            if child is None:
                return None
            tenant = child
        return tenant if tenant.id == tenant_id else None

    def children(self, tenant: Tenant, months: range) -> Iterator[Tenant]:
        """The children that existed in one of the months; what is below one of the root's lives as long."""
        if tenant.path:
            for number in range(64):
                child = self.child(tenant, number, tenant.incarnation)
                if child is None:
                    return
                yield child
            return
        for slot in range(self.tenants):
            for incarnation in self._incarnations(slot, months):
                child = self.child(tenant, slot, incarnation)
                if child is not None:
                    yield child

    def descendants(self, tenant: Tenant, months: range) -> Iterator[Tenant]:
        """Everything below, parents before their children."""
        for child in self.children(tenant, months):
            yield child
            yield from self.descendants(child, months)

    def leaves(self, tenant: Tenant, months: range) -> Iterator[Tenant]:
        """The tenants whose usage is metered: units, and customers without units. A leaf is its own leaf."""
        if tenant.kind == "unit" or (tenant.kind == "customer" and _units(tenant) == 0):
            yield tenant
            return
        for child in self.children(tenant, months):
            yield from self.leaves(child, months)

    def life(self, tenant: Tenant) -> Life:
        """When the tenant exists and how long it is on trial."""
        born, cycle, duration = self._calendar(tenant.path[0])
        born += tenant.incarnation * cycle
        chance = tenant.variety >> 8 & 15
        if tenant.path[0] in _SEASONAL_SLOTS:
            trial_months = 1
        elif chance == 0:
            trial_months = _NEVER
        else:
            trial_months = 1 + (tenant.variety >> 12) % 3 if chance <= 2 else 0
        return Life(born, born + duration, born + trial_months)

    def name(self, tenant: Tenant, month: int) -> str:
        """The tenant's name at the end of the month."""
        if not tenant.path:
            return ROOT_NAME
        slot = tenant.path[0]
        if len(tenant.path) == 1 and slot in SPECIAL_NAMES:
            name = SPECIAL_NAMES[slot]
            return renamed(name, (month - EPOCH) // 2) if slot == _RENAMED_SLOT else name
        number = slot if len(tenant.path) == 1 else 10 * slot + tenant.path[-1]
        name = composed_name(tenant.kind, tenant.variety, number)
        if tenant.variety >> 16 & 7 == 0:
            return renamed(name, (month - EPOCH + tenant.variety % 12) // 12)
        return name

    def _calendar(self, slot: int) -> tuple[int, int, int]:
        """Month of the first appearance, months between two of them (0: never again), months each lasts."""
        chance = int.from_bytes(blake2b(f"{self.seed}/slot/{slot}".encode(), digest_size=4).digest(), "big")
        if slot in _SEASONAL_SLOTS:
            return EPOCH + _SEASONAL_SLOTS[slot], 4, 2
        if slot < len(SPECIAL_NAMES):
            return EPOCH + slot % 24, 0, _NEVER
        if chance % 100 < 15:
            cycle = 20 + (chance >> 8) % 30
            return EPOCH + (chance >> 16) % cycle, cycle, cycle - 1 - (chance >> 13) % 3
        first = (chance >> 8) % 60 if chance % 100 < 85 else 60 + (chance >> 8) % 120
        return EPOCH + first, 0, _NEVER

    def _incarnations(self, slot: int, months: range) -> Iterator[int]:
        born, cycle, duration = self._calendar(slot)
        first, last = months[0], months[-1]
        if not cycle:
            if born <= last:
                yield 0
            return
        for incarnation in range(max(0, (first - born) // cycle), max(0, (last - born) // cycle + 1)):
            start = born + incarnation * cycle
            if start <= last and start + duration > first:
                yield incarnation

    def child(self, parent: Tenant, number: int, incarnation: int) -> Tenant | None:
        kind = _child_kind(parent, number)
        if kind is None:
            return None
        owner = parent.path if parent.kind == "partner" else parent.owner_path
        return self._tenant((*parent.path, number), incarnation, kind, owner)

    def _tenant(self, path: tuple[int, ...], incarnation: int, kind: str, owner: tuple[int, ...]) -> Tenant:
        packed = 0
        if path:
            packed = path[0] + 1 << 28 | incarnation << 18
            for shift, number in zip((12, 6, 0), path[1:], strict=False):
                packed |= number + 1 << shift
        chance = blake2b(f"{self.seed}/{packed}".encode(), digest_size=10).digest()
        digits = chance.hex()
        head = f"{digits[:12]}4{digits[13:16]}8{digits[17:]}"
        tail = f"{packed ^ self._mask(head):012x}"
        identity = f"{head[:8]}-{head[8:12]}-{head[12:16]}-{head[16:]}-{tail}"
        return Tenant(path, incarnation, kind, identity, int.from_bytes(chance[:4], "big"), owner)

    def _mask(self, head: str) -> int:
        return int.from_bytes(blake2b(f"{self.seed}/mask/{head}".encode(), digest_size=6).digest(), "big")


def _units(customer: Tenant) -> int:
    return 2 + customer.variety % 2 if customer.variety >> 4 & 15 == 5 else 0


def _child_kind(parent: Tenant, number: int) -> str | None:  # noqa: PLR0911 - a table of cases
    """What stands at a place below a tenant; None where there is no place."""
    if not parent.path:
        if number % (4 if number < 64 else 16) == 1:
            return "partner"
        return "folder" if number % 32 == 10 else "customer"
    if parent.kind == "customer":
        return "unit" if number < _units(parent) else None
    if parent.kind == "folder":
        return None if number >= 3 else "partner" if number == 0 else "customer"
    if parent.kind == "partner":
        if len(parent.path) > 1:
            return "customer" if number < 2 else None
        if number >= 2 + parent.variety % 4:
            return None
        return "partner" if number == 1 and parent.variety % 3 == 0 else "customer"
    return None
