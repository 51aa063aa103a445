"""The cells of a price file: a strict pattern for each kind, so that nothing is guessed or rounded.

DuckDB's own casts accept `9e-2`, `1_000` and `+0.09`, and round `0.0900009`. Each function returns what is
wrong with a text that is not blank, or None.
"""

import csv
import re
from functools import cache

from billing_pipeline.errors import PeriodError
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.reports import is_api_id
from billing_pipeline.sql_files import read_sql

UNITS = ("GiB", "compute points", "count")
OWNERSHIPS = ("acronis", "partner")
_NUMBER = re.compile(r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?")
_WITH_COMMA = re.compile(r"-?[0-9.,]*,[0-9.,]*")
_MOST_DECIMALS_OF_A_CURRENCY = 2


def number_error(text: str, *, decimals: int, digits: int) -> str | None:
    """A number that is not negative, such as `1234.5`.

    Args:
        decimals: how many it may have.
        digits: how many it may have before the point.
    """
    if _WITH_COMMA.fullmatch(text):
        return f"has a comma: write {_with_point(text)}, with a point and without thousands separators"
    match = _NUMBER.fullmatch(text)
    if match is None:
        return "is not a number"
    sign, whole, fraction = match.groups()
    if sign:
        return "is negative"
    if len(fraction or "") > decimals:
        return f"has more than {decimals} decimals"
    if len(whole) > digits:
        return f"is too large: it has more than {digits} digits before the point"
    return None


def _with_point(text: str) -> str:
    """A number that was written with commas, as it may have been meant."""
    if re.fullmatch("-?[0-9]{1,3},[0-9]{3}", text):
        return f"{text.replace(',', '.')} or {text.replace(',', '')}"
    if "." not in text and text.count(",") == 1:
        whole, fraction = text.split(",")
        return f"{whole or 0}.{fraction}".rstrip(".")
    decimal = max(",.", key=text.rfind)
    whole, _, fraction = text.rpartition(decimal)
    digits = re.sub("[,.]", "", whole)
    return f"{digits}.{fraction}" if text.count(decimal) == 1 else digits + fraction


def month_error(text: str) -> str | None:
    """A month."""
    try:
        BillingPeriod.parse(text)
    except PeriodError:
        return "is not a month like 2026-09"
    return None


def currency_error(text: str) -> str | None:
    """A currency whose amounts have at most two decimals."""
    minor_unit = minor_units().get(text)
    if minor_unit is None:
        advice = f": write {text.upper()}" if text.upper() in minor_units() else ""
        return f"is not an ISO 4217 code{advice}"
    if minor_unit > _MOST_DECIMALS_OF_A_CURRENCY:
        return (
            f"has {minor_unit} decimals, and amounts are calculated with at most "
            f"{_MOST_DECIMALS_OF_A_CURRENCY}: state the prices in another currency"
        )
    return None


@cache
def minor_units() -> dict[str, int]:
    """The decimals of each currency."""
    rows = csv.DictReader(read_sql("charges/schema/currencies.csv").splitlines())
    return {row["code"]: int(row["minor_unit"]) for row in rows}


def unit_error(text: str) -> str | None:
    """A unit of billable usage."""
    return None if text in UNITS else f"is none of {', '.join(UNITS)}"


def ownership_error(text: str) -> str | None:
    """An ownership of storage."""
    return None if text in OWNERSHIPS else f"is neither {' nor '.join(OWNERSHIPS)}"


def uuid_error(text: str) -> str | None:
    """A tenant."""
    return None if is_api_id(text) else "is not a UUID"


def name_error(text: str) -> str | None:
    """A name that must be equal to another one, character by character."""
    return None if text.isprintable() else "has an invisible character"
