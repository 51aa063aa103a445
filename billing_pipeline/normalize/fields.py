"""The fields of a usage row and their kinds: the single definition for all readers and statements.

The dotted names are the headers of csv_v2_0; json_v2_0 nests the same fields by the dots.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from billing_pipeline.reports import MEASURES

MEASURE_DIGITS = 38


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of field: the values that each reader accepts, and their conversion to a column.

    Args:
        json_type: what the strict JSON parser accepts. Null is a value like any other to it, so fields that
            may be missing have None among their types, and `cells.sql` refuses a missing one by name.
        description: the accepted values, as a message names them.
        cell: expression of `cells.sql` that converts the value to the column.
        sql_type: DuckDB's type of the value before it becomes a column; decimals, dates and UUIDs are read as
            text, so that DuckDB neither rounds nor guesses.
        csv_cell: expression of `cells.sql` that converts a CSV cell to `sql_type`.
        numbers: types of numbers that the slow exact reader writes as text.
        required: a row without the field is refused.
    """

    json_type: Any
    description: str
    cell: str
    sql_type: str = "VARCHAR"
    csv_cell: str = "csv_text"
    numbers: tuple[type[int] | type[Decimal], ...] = ()
    required: bool = False


_TEXT, _NUMBER = str | None, str | int | None
TEXT = Kind(_TEXT, "a text", "text")
REQUIRED_TEXT = Kind(_TEXT, "a text", "required_text", required=True)
UNIT_NAME = Kind(_TEXT, "a text", "unit")
NUMBER_OR_TEXT = Kind(_NUMBER, "a text or an integer", "text", numbers=(int,))
UUID = Kind(_TEXT, "a text", "uuid")
REQUIRED_UUID = Kind(_TEXT, "a text", "required_uuid", required=True)
DATE = Kind(str, "a date", "date", required=True)
FLAG = Kind(bool, "true or false", "given", "BOOLEAN", "csv_flag", required=True)
QUANTITY = Kind(_NUMBER, "a decimal number that can be held exactly", "quantity", numbers=(int, Decimal))
MONEY = Kind(_NUMBER, "a decimal number that can be held exactly", "money", numbers=(int, Decimal))
MEASURE = Kind(
    int,
    f"an integer of at most {MEASURE_DIGITS} digits",
    "given",
    f"DECIMAL({MEASURE_DIGITS}, 0)",
    "csv_measure",
    required=True,
)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a usage row."""

    name: str  # dotted
    kind: Kind
    column: str  # of the table `usage`

    @property
    def path(self) -> tuple[str, ...]:
        """The keys that lead to it in nested JSON."""
        return tuple(self.name.split("."))


MEASURE_FIELDS = tuple(Field(f"usage.{name.replace('_', '.')}", MEASURE, name) for name in MEASURES)
"""In the order of `MEASURES`, with which they share their meaning."""

UNIT = "measurement_unit"

FIELDS = (
    Field("application.id", UUID, "application_id"),
    Field("application.name", TEXT, "application_name"),
    Field("date", DATE, "usage_date"),
    Field("infra.backend_type", TEXT, "infra_backend_type"),
    Field("infra.id", UUID, "infra_id"),
    Field("infra.name", TEXT, "infra_name"),
    Field("infra.owner_id", UUID, "infra_owner_id"),
    Field("is_range", FLAG, "is_range"),
    Field(UNIT, UNIT_NAME, "measurement_unit"),
    Field("name", REQUIRED_TEXT, "offering_item"),
    Field("pricing.currency", TEXT, "pricing_currency"),
    Field("pricing.mode", TEXT, "pricing_mode"),
    Field("pricing.price", MONEY, "price"),
    Field("pricing.total_cost", MONEY, "total_cost"),
    Field("quota.value", QUANTITY, "quota"),
    Field("tenant.customer_id", NUMBER_OR_TEXT, "customer_id"),
    Field("tenant.id", REQUIRED_UUID, "tenant_id"),
    Field("tenant.kind", TEXT, "tenant_kind"),
    Field("tenant.name", TEXT, "tenant_name"),
    *MEASURE_FIELDS,
    Field("edition", TEXT, "edition"),
    Field("sku", TEXT, "sku"),
)

COMPUTED = {
    f"dr_compute_points_{part}": ("compute_points", f"usage.delta.{part}")
    for part in ("production", "trial", "total")
}
"""Columns that are computed: the expression of `cells.sql`, and the field that it takes."""

BY_NAME = {field.name: field for field in FIELDS}

OBJECTS = frozenset(".".join(field.path[:depth]) for field in FIELDS for depth in range(1, len(field.path)))
"""Dotted names of the objects that hold fields: `application`, `usage`, `usage.absolute`…"""

EXTRA = "extra"
"""The column for unknown fields, as JSON text; nulls are kept, so that a new field is noticed early.

A known object (`infra`, `quota`…) that is null is not an unknown field; its columns become NULL. CSV does not
distinguish null from empty, so a row of csv_v2_0 keeps only the unknown cells that are not empty.
"""

EMPTY_UNIT = "quantity"
"""What an empty measurement unit means: countable items."""

UNITS = frozenset({"bytes", "seconds", EMPTY_UNIT})
"""The units that the billing rules know; they are recognised without case and the blanks around them."""
