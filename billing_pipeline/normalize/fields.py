"""The fields of a usage row and their kinds: the single definition for all readers and statements.

The dotted names are the headers of csv_v2_0; json_v2_0 nests the same fields by the dots.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any

from msgspec import Meta

from billing_pipeline.reports import MEASURES

DECIMALS = 6
"""Decimals of a measure; no report seen so far had any."""

_INTEGER_DIGITS = 22
"""Digits of a measure before the point; the sum of all rows that `report_row` can count has 38 then."""


_LARGEST_EXPONENT = 60
"""Limit of the exponent of a number that is written out, so that a few bytes do not become gigabytes."""
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")
_FLAGS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of field: the values that each reader accepts, and their conversion to a column.

    Args:
        json_type: what the fast strict parser accepts; the slow exact reader accepts more. Null is a value
            like any other to it, so fields that may be missing have None among their types.
        description: the accepted values, as a message names them.
        cell: expression of `cells.sql` that converts the value to the column.
        sql_type: DuckDB's type of the value before it becomes a column; decimals, dates and UUIDs are read as
            text, so that DuckDB neither rounds nor guesses.
        json_sql_type: DuckDB's type of what `json_type` accepts, where another one is read faster.
        csv_cell: expression of `cells.sql` that converts a CSV cell to `sql_type`.
        number: digits before and behind the decimal point that the column holds; None if it holds no number.
        numbers: types of JSON numbers that a text may be given as.
        required: a row without the field is refused.
        billed: usage is billed, or identified, by the field: a value that the column does not hold refuses
            the row. Such a value of any other field goes to `extra`.
    """

    json_type: Any
    description: str
    cell: str
    sql_type: str = "VARCHAR"
    json_sql_type: str | None = None
    csv_cell: str = "as_is"
    number: tuple[int, int] | None = None
    numbers: tuple[type[int] | type[Decimal], ...] = ()
    required: bool = False
    billed: bool = True

    def held(self, value: Any) -> str | bool | None:
        """A value of a report as `sql_type` is read; None if the column does not hold it exactly."""
        if self.sql_type == "BOOLEAN":
            return value if isinstance(value, bool) else _FLAGS.get(str(value).lower())
        if self.number:
            return _held_number(value, *self.number)
        if isinstance(value, self.numbers) and not isinstance(value, bool):
            return (
                format(Decimal(value), "f") if abs(Decimal(value).adjusted()) <= _LARGEST_EXPONENT else None
            )
        return value if isinstance(value, str) else None


def _held_number(value: Any, digits: int, decimals: int) -> str | None:
    """A number, or a text that is one in any notation."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        return None
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        return None
    number = Decimal(value)
    if not number:
        return "0"
    if not -decimals <= number.adjusted() < digits:
        return None
    whole, _, fraction = format(number, "f").partition(".")
    fraction = fraction.rstrip("0")
    return f"{whole}.{fraction or 0}" if len(fraction) <= decimals else None


_INTEGER = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]


def _amount(cell: str, integer_digits: int, decimals: int) -> Kind:
    """A decimal that is not billed. The fast parser verifies what `cell` casts."""
    exact = rf"\A(-?0*[0-9]{{1,{integer_digits}}}(\.[0-9]{{1,{decimals}}}0*)?)?\Z"
    json_type = Annotated[str, Meta(pattern=exact)] | _INTEGER | None
    number = (integer_digits, decimals)
    return Kind(json_type, "a decimal number", cell, csv_cell="number", number=number, billed=False)


_TEXT, _TEXT_OR_NUMBER = str | None, str | int | None
_MEASURE_TYPE = f"DECIMAL({_INTEGER_DIGITS + DECIMALS}, {DECIMALS})"
_MEASURE = Kind(
    _INTEGER,
    f"a number of at most {_INTEGER_DIGITS} digits and {DECIMALS} decimals",
    "given",
    _MEASURE_TYPE,
    "BIGINT",
    "billed_number",
    number=(_INTEGER_DIGITS, DECIMALS),
    required=True,
)
_EFFECTIVE = replace(_MEASURE, cell="as_is", csv_cell="number", required=False, billed=False)

TEXT = Kind(_TEXT_OR_NUMBER, "a text", "text", numbers=(int, Decimal))
REQUIRED_TEXT = Kind(_TEXT, "a text", "required_text", required=True)
UNIT_NAME = Kind(_TEXT, "a text", "unit")
DETAIL = replace(TEXT, billed=False)
UUID = Kind(_TEXT, "a text", "uuid")
REQUIRED_UUID = Kind(_TEXT, "a text", "required_uuid", required=True)
DATE = Kind(str, "a date", "date", required=True)
FLAG = Kind(bool, "true or false", "given", "BOOLEAN", csv_cell="csv_flag", required=True)
QUANTITY = _amount("quantity", 32, 6)
MONEY = _amount("money", 26, 12)


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


MEASURE_FIELDS = tuple(
    Field(f"usage.{name.replace('_', '.')}", _EFFECTIVE if name.startswith("effective") else _MEASURE, name)
    for name in MEASURES
)
"""In the order of `MEASURES`, with which they share their meaning."""

UNIT = "measurement_unit"

FIELDS = (
    Field("application.id", UUID, "application_id"),
    Field("application.name", DETAIL, "application_name"),
    Field("date", DATE, "usage_date"),
    Field("infra.backend_type", DETAIL, "infra_backend_type"),
    Field("infra.id", UUID, "infra_id"),
    Field("infra.name", DETAIL, "infra_name"),
    Field("infra.owner_id", UUID, "infra_owner_id"),
    Field("is_range", FLAG, "is_range"),
    Field(UNIT, UNIT_NAME, "measurement_unit"),
    Field("name", REQUIRED_TEXT, "offering_item"),
    Field("pricing.currency", DETAIL, "pricing_currency"),
    Field("pricing.mode", DETAIL, "pricing_mode"),
    Field("pricing.price", MONEY, "price"),
    Field("pricing.total_cost", MONEY, "total_cost"),
    Field("quota.value", QUANTITY, "quota"),
    Field("tenant.customer_id", DETAIL, "customer_id"),
    Field("tenant.id", REQUIRED_UUID, "tenant_id"),
    Field("tenant.kind", TEXT, "tenant_kind"),
    Field("tenant.name", DETAIL, "tenant_name"),
    *MEASURE_FIELDS,
    Field("edition", TEXT, "edition"),
    Field("sku", TEXT, "sku"),
    Field("billing_model", DETAIL, "billing_model"),
    Field("storage_type", DETAIL, "storage_type"),
    Field("pricing_tier_id", DETAIL, "pricing_tier_id"),
)

COMPUTED = {
    f"dr_compute_points_{part}": ("compute_points", f"usage.delta.{part}")
    for part in ("production", "trial", "total")
}
"""Columns that are computed: the expression of `cells.sql`, and the field that it takes."""

BY_NAME = {field.name: field for field in FIELDS}

_ENDINGS = {
    "billingmodel": "billing_model",
    "storagetype": "storage_type",
    "tierid": "pricing_tier_id",
    "pricingtier": "pricing_tier_id",
}
"""Ends of names, as `_letters` gives them: where Acronis puts these fields is not known."""


def _letters(name: str) -> str:
    """A name without case and punctuation: the same for `tenant.id`, `tenant_id`, `tenantId`, `Tenant ID`."""
    return re.sub(r"[\W_]+", "", name).lower()


_BY_LETTERS = {_letters(name): name for name in BY_NAME}


@lru_cache(maxsize=1000)
def field_name(name: str) -> str:
    """The field that a name in a report denotes; the name itself if it is unknown."""
    if name in BY_NAME:
        return name
    letters = _letters(name)
    ending = next((field for ending, field in _ENDINGS.items() if letters.endswith(ending)), name)
    return _BY_LETTERS.get(letters, ending)


def field_names(names: Iterable[str]) -> Iterator[str]:
    """The fields that names in a row denote; each field once, by its own name or by the first other one."""
    names = list(names)
    taken = set(names)
    for name in names:
        field = field_name(name)
        if field != name and field in taken:
            field = name
        taken.add(field)
        yield field


OBJECTS = frozenset(".".join(field.path[:depth]) for field in FIELDS for depth in range(1, len(field.path)))
"""Dotted names of the objects that hold fields: `application`, `usage`, `usage.absolute`…"""

EXTRA = "extra"
"""The column for unknown fields, as JSON text; nulls are kept, so that a new field is noticed early.

A known object (`infra`, `quota`…) that is null is not an unknown field; its columns become NULL. CSV does not
distinguish null from empty, so a row of csv_v2_0 keeps only the unknown cells that are not empty.
"""

EMPTY_UNIT = "quantity"
"""What an empty measurement unit, and `n/a`, mean: countable items."""

UNITS = frozenset({"bytes", "seconds", EMPTY_UNIT})
"""The units that the billing rules know; they are recognised without case and the blanks around them."""
