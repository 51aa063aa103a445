"""The sandbox's invented tenants: a distributor with partners, folders, customers and units below it.

Everything follows from the seed, and a larger distributor contains the smaller one unchanged. Some direct
children come and go: a tenant disappears, and months later a new one with a new UUID takes its place.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

from billing_pipeline.sandbox.names import DIRECT_CHILDREN, RENAMED_SUFFIXES, ROOT_NAME, composed_name
from billing_pipeline.sandbox.windows import EPOCH

# Places whose tenants exist for two of every four months, so that any three months have a new and a lost
# tenant. Place: months from the epoch to its first tenant.
_SEASONAL_PLACES = {7: 0, 11: 2}
_RENAMED_PLACE = 6  # its tenant is renamed every two months
_LASTING_PLACES = 22  # tenants of these places, except the seasonal ones, never leave
_LARGEST = (1 << 20) - 2
_NEVER = 1 << 30
_LAST_MONTH = 2040 * 12  # no tenant is created later


@dataclass(eq=False, slots=True)
class Tenant:
    """A tenant, which exists in the months `born` ≤ m < `gone` and is on trial before `trial_until`.

    Args:
        id: UUID.
        kind: `partner`, `folder`, `customer` or `unit`.
        own_name: None to compose one.
        path: its place below its parent, from 0, after those of the tenants above it.
        draw: 32 random bits that determine its other properties.
        born, gone, trial_until: running numbers of months.
        parent: None for the distributor itself.
        children: past, present and future ones.
    """

    id: str
    kind: str
    own_name: str | None
    path: tuple[int, ...]
    draw: int
    born: int
    gone: int
    trial_until: int
    parent: "Tenant | None" = None
    children: "list[Tenant]" = field(default_factory=list, repr=False)

    @property
    def partner(self) -> "Tenant":
        """The nearest partner above, whose own storage the tenant may use."""
        above = self.parent
        while above is not None and above.kind != "partner":
            above = above.parent
        return above or self

    @property
    def customer_id(self) -> str | None:
        """The partner's own customer number: a string, sometimes with leading zeros."""
        number = self.draw // 64 % 100_000
        return {0: f"CRM-{number:05d}", 1: f"{number % 1000:05d}", 2: f"{number % 100}E{number % 7}"}.get(
            self.draw % 8
        )

    def name(self, month: int) -> str:
        """The tenant's name at the end of the month."""
        age = 0
        if self.path == (_RENAMED_PLACE,):
            age = (month - EPOCH) // 2
        elif self.own_name is None and self.draw >> 16 & 7 == 0:
            age = (month - EPOCH + self.draw % 12) // 12
        name = self.own_name or composed_name(self.kind, self.draw, self._name_number)
        return name + RENAMED_SUFFIXES[age % len(RENAMED_SUFFIXES)]

    @property
    def _name_number(self) -> int:
        """Different for all tenants of one kind, if there are no more than about 50 places."""
        place, *below = self.path
        return 50 + 10 * place + (below[0] if len(below) == 1 else 6 + below[1]) if below else place

    def existing_children(self, months: range) -> "Iterator[Tenant]":
        """The children that exist in one of the months."""
        return (child for child in self.children if child.born <= months[-1] and child.gone > months[0])

    def descendants(self, months: range) -> "Iterator[Tenant]":
        """Everything below that exists in one of the months, parents before their children."""
        for child in self.existing_children(months):
            yield child
            yield from child.descendants(months)

    def leaves(self, months: range) -> "Iterator[Tenant]":
        """The tenants whose usage is metered: units, and customers without units. A leaf is its own leaf."""
        if self.kind == "unit" or (self.kind == "customer" and not self.children):
            yield self
            return
        for child in self.existing_children(months):
            yield from child.leaves(months)


class Distributor:
    """All tenants of one seed, in memory: about 400 bytes each.

    Args:
        tenants: number of places directly below the distributor; some are vacant in some months.
        names: of the tenants directly below it, by place.

    Raises:
        ValueError: `tenants` is negative or too large.
    """

    def __init__(self, seed: int, tenants: int, names: Mapping[int, str] = DIRECT_CHILDREN) -> None:
        if not 0 <= tenants <= _LARGEST:
            raise ValueError(f"a distributor has 0 to {_LARGEST:,} places directly below it")
        self.seed = seed
        self._names = names
        identity, draw = self._identity((), 0)
        self.root = Tenant(identity, "partner", ROOT_NAME, (), draw, 0, _NEVER, 0)
        self._by_id = {identity: self.root}
        for place in range(tenants):
            for generation, life in enumerate(self._lives(place)):
                self._add(self.root, _kind_of_direct_child(place), (place,), generation, life)

    def find(self, tenant_id: str) -> Tenant | None:
        """The tenant with this UUID, whether or not it exists in a certain month."""
        return self._by_id.get(tenant_id)

    def _add(
        self, parent: Tenant, kind: str, path: tuple[int, ...], generation: int, life: tuple[int, int]
    ) -> None:
        """Add a tenant and its descendants, which exist as long as the tenant itself."""
        identity, draw = self._identity(path, generation)
        born, gone = life
        trial_until = born + _trial_months(draw, seasonal=path[0] in _SEASONAL_PLACES)
        own_name = self._names.get(path[0]) if len(path) == 1 else None
        tenant = Tenant(identity, kind, own_name, path, draw, born, gone, trial_until, parent)
        parent.children.append(tenant)
        self._by_id[identity] = tenant
        for place, child in enumerate(_kinds_of_children(tenant)):
            self._add(tenant, child, (*path, place), generation, life)

    def _identity(self, path: tuple[int, ...], generation: int) -> tuple[str, int]:
        """A UUID and 32 random bits. Documentation and samples quote the UUIDs: they must not change."""
        number = path[0] + 1 << 28 | generation << 18 if path else 0
        for place, shift in zip(path[1:], (12, 6, 0), strict=False):
            number |= place + 1 << shift
        chance = blake2b(f"{self.seed}/{number}".encode(), digest_size=10).digest()
        digits = chance.hex()
        head = f"{digits[:12]}4{digits[13:16]}8{digits[17:]}"
        mask = blake2b(f"{self.seed}/mask/{head}".encode(), digest_size=6).digest()
        tail = f"{int.from_bytes(mask, 'big') ^ number:012x}"
        identity = f"{head[:8]}-{head[8:12]}-{head[12:16]}-{head[16:]}-{tail}"
        return identity, int.from_bytes(chance[:4], "big")

    def _lives(self, place: int) -> Iterator[tuple[int, int]]:
        """Lifetime of each tenant of this place: its first month, and the first month without it."""
        digest = blake2b(f"{self.seed}/slot/{place}".encode(), digest_size=4).digest()
        chance = int.from_bytes(digest, "big")
        if place in _SEASONAL_PLACES:
            born, cycle, duration = EPOCH + _SEASONAL_PLACES[place], 4, 2
        elif place < _LASTING_PLACES:
            born, cycle, duration = EPOCH + place % 24, _NEVER, _NEVER
        elif chance % 100 < 15:
            cycle = 20 + (chance >> 8) % 30
            born, duration = EPOCH + (chance >> 16) % cycle, cycle - 1 - (chance >> 13) % 3
        else:
            first = (chance >> 8) % 60 if chance % 100 < 85 else 60 + (chance >> 8) % 120
            born, cycle, duration = EPOCH + first, _NEVER, _NEVER
        for month in range(born, _LAST_MONTH, cycle):
            yield month, month + duration


def _trial_months(draw: int, *, seasonal: bool) -> int:
    chance = draw >> 8 & 15
    if seasonal:
        return 1
    if chance == 0:
        return _NEVER
    return 1 + (draw >> 12) % 3 if chance <= 2 else 0


def _kind_of_direct_child(place: int) -> str:
    if place % (4 if place < 64 else 16) == 1:
        return "partner"
    return "folder" if place % 32 == 10 else "customer"


def _kinds_of_children(parent: Tenant) -> list[str]:
    if parent.kind == "customer":
        return ["unit"] * (2 + parent.draw % 2 if parent.draw >> 4 & 15 == 5 else 0)
    if parent.kind == "folder":
        return ["partner", "customer", "customer"]
    if parent.kind == "partner":
        if len(parent.path) > 1:
            return ["customer", "customer"]
        kinds = ["customer"] * (2 + parent.draw % 4)
        if parent.draw % 3 == 0:
            kinds[1] = "partner"
        return kinds
    return []
