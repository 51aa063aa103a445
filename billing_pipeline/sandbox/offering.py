"""The offering items that the sandbox's distributor sells, and its infrastructures.

Names, units, editions and applications are those of the published list of offering items; `metering`
determines each tenant's usage.
"""

import csv
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, NamedTuple

APPLICATION_IDS = {
    "platform": "7459244f-68f3-3bf4-9f53-5f63ecc1d91f",
    "backup": "6e6d758d-8e74-3ae3-ac84-50eb0dff12eb",
    "files_cloud": "dfd85a5f-a464-32ab-81fd-99bcc66a070f",
    "physical_data_shipping": "b71b2c18-590a-303c-9d5a-8444fbe713ac",
    "notary": "f9c5744e-bd1a-36b6-b0f0-ecd7483e1796",
}

PLATFORM_OWNER_ID = "8beef6be-c136-4ef6-a900-0e74c703ddcc"


@dataclass(frozen=True, slots=True, eq=False)
class OfferingItem:
    """One offering item with its edition prefix; `number` orders the items.

    Args:
        metering: a level (`count`, `bytes`), what accumulates over the period (`seconds`, or `range` for what
            is counted), 1 for a customer (`one`) or for one whose storage a partner owns (`flag`).
        typical: the most that a customer of ordinary size uses at once or in a month: a count, GiB, or hours.
        infra_kind: "", `backup`, `dr` or `files`.
        sku_state: how a row states its SKU when SKUs were requested: `text`; or, without one, `null`, `empty`
            or `absent`.
    """

    number: int
    name: str
    application: str
    edition: str | None
    measurement_unit: str
    metering: str
    typical: int
    infra_kind: str
    sku_state: str
    sku: str

    @property
    def is_range(self) -> bool:
        """True if the quantity accumulates over the period."""
        return self.metering in {"seconds", "range"}


class Infra(NamedTuple):
    """A storage or Disaster Recovery infrastructure; `number` orders those of one kind.

    All other fields are None for items that have no infrastructure.
    """

    number: int
    id: str | None
    name: str | None
    backend_type: str | None
    owner_id: str | None


NO_INFRA = Infra(0, None, None, None, None)
_BACKUP = (
    ("019097a6-114f-4418-bd54-e01ef049f209", "fes-eu3-baas.acronis.com", "acronis"),
    ("4f0cba1c-5b5f-4b52-9f0e-6d1f1b8f2a10", "Azure West Europe, hot", "azure"),
    ("a3f7a1d2-90c4-4d0e-8a39-2f6c0d5be511", "Google europe-west3", "google"),
)
_DR = (("debe7865-fa8d-4c16-8e26-adcf8d7fd23d", "Default disaster recovery infrastructure", None),)
_FILES = (("fbc254b9-d8be-4daf-94f6-0253d23b63f0", "betacloud_s3", "acronis"),)
PLATFORM_INFRAS = {
    kind: tuple(Infra(number, *fields, PLATFORM_OWNER_ID) for number, fields in enumerate(infras))
    for kind, infras in {"backup": _BACKUP, "dr": _DR, "files": _FILES}.items()
}


def _load_profiles() -> list[tuple[OfferingItem, ...]]:
    """The items of each licensing profile, with the common ones that belong to all."""
    text = (files(__package__) / "offering_items.csv").read_text(encoding="utf-8")
    items: dict[str, OfferingItem] = {}
    profiles: dict[str, list[OfferingItem]] = {}
    row: dict[str, Any]
    for row in csv.DictReader(text.splitlines()):
        profile = row.pop("profile")
        row |= {"edition": row["edition"] or None, "typical": int(row["typical"])}
        item = items.setdefault(row["name"], OfferingItem(len(items), **row))
        profiles.setdefault(profile, []).append(item)
    common = profiles.pop("common")
    return [(*own, *common) for own in profiles.values()]


PROFILES = _load_profiles()
