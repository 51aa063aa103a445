"""The fields of a usage row, by their dotted names: the one list that every reader is made from.

The names are the headers of csv_v2_0; json_v2_0 has the same fields, nested by the dots.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from billing_pipeline.reports import MEASURES

Kind = Literal["text", "number_or_text", "decimal", "date", "flag", "measure", "extra"]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a usage row.

    Args:
        name: dotted name.
        kind: what its values are: `text` (a string), `number_or_text` (also written as an integer), `decimal`
            (a number, or a string that holds one), `date` (YYYY-MM-DD), `flag` (true or false), `measure` (an
            integer), `extra` (unknown: a text, an integer or a truth value).
        required: whether a row without it is refused.
    """

    name: str
    kind: Kind
    required: bool = False

    @property
    def path(self) -> tuple[str, ...]:
        """The keys that lead to it in nested JSON."""
        return tuple(self.name.split("."))


MEASURE_FIELDS = tuple(
    Field(f"usage.{name.replace('_', '.')}", "measure", required=True) for name in MEASURES
)
"""In the order of `MEASURES`, with which they share their meaning."""

UNIT = "measurement_unit"

FIELDS = (
    Field("application.id", "text"),
    Field("application.name", "text"),
    Field("date", "date", required=True),
    Field("infra.backend_type", "text"),
    Field("infra.id", "text"),
    Field("infra.name", "text"),
    Field("infra.owner_id", "text"),
    Field("is_range", "flag", required=True),
    Field(UNIT, "text"),
    Field("name", "text", required=True),
    Field("pricing.currency", "text"),
    Field("pricing.mode", "text"),
    Field("pricing.price", "decimal"),
    Field("pricing.total_cost", "decimal"),
    Field("quota.value", "decimal"),
    Field("tenant.customer_id", "number_or_text"),
    Field("tenant.id", "text", required=True),
    Field("tenant.kind", "text"),
    Field("tenant.name", "text"),
    *MEASURE_FIELDS,
    Field("edition", "text"),
    Field("sku", "text"),
)

BY_NAME = {field.name: field for field in FIELDS}

OBJECTS = frozenset(".".join(field.path[:depth]) for field in FIELDS for depth in range(1, len(field.path)))
"""Dotted names of the objects that fields lie in: `application`, `usage`, `usage.absolute`…"""

EMPTY_UNIT = "quantity"
"""What an empty measurement unit means: countable items."""
