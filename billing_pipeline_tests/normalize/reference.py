"""A slow and plain reference implementation, to compare the engine's rows with.

Nothing here is shared with the code under test: Python's `json` and `csv`, `Decimal`, one row at a time.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import partial
from typing import Any
from uuid import UUID

MEASURES = [
    f"{measure}.{part}"
    for measure in ("absolute", "delta", "effective")
    for part in ("production", "trial", "total")
]
TEXTS = {
    "tenant.name": "tenant_name",
    "tenant.kind": "tenant_kind",
    "tenant.customer_id": "customer_id",
    "application.name": "application_name",
    "name": "offering_item",
    "edition": "edition",
    "sku": "sku",
    "billing_model": "billing_model",
    "storage_type": "storage_type",
    "pricing_tier_id": "pricing_tier_id",
    "infra.name": "infra_name",
    "infra.backend_type": "infra_backend_type",
    "pricing.mode": "pricing_mode",
    "pricing.currency": "pricing_currency",
}
IDS = {
    "tenant.id": "tenant_id",
    "application.id": "application_id",
    "infra.id": "infra_id",
    "infra.owner_id": "infra_owner_id",
}
AMOUNTS = {
    "quota.value": ("quota", 6),
    "pricing.price": ("price", 12),
    "pricing.total_cost": ("total_cost", 12),
}
OBJECTS = {"application", "infra", "pricing", "quota", "tenant", "usage"}
KNOWN = {
    *TEXTS,
    *IDS,
    *AMOUNTS,
    "date",
    "is_range",
    "measurement_unit",
    *(f"usage.{name}" for name in MEASURES),
}
# Names of the objects that fields are in, such as "usage" and "usage.delta".
_OBJECTS = {name.rsplit(".", depth)[0] for name in KNOWN for depth in range(1, name.count(".") + 1)}
_EXACT = Context(prec=1000)


class NotAReportError(Exception):
    """The report must be refused."""


def rows_of_json(content: bytes, first_day: date, last_day: date) -> list[dict[str, Any]]:
    """The rows of a json_v2_0 file, as columns."""
    report = _json(content)
    if not isinstance(report, dict) or not isinstance(report.get("params"), dict):
        raise NotAReportError("no params")
    tenants = report.get("tenants")
    if not isinstance(tenants, list):
        raise NotAReportError("no tenants")
    rows: list[dict[str, Any]] = []
    for element in tenants:
        for fields in _fields_of_element(element):
            rows.append(_columns(fields, first_day, last_day) | {"report_row": len(rows) + 1})
    return rows


def rows_of_csv(content: bytes, first_day: date, last_day: date) -> list[dict[str, Any]]:
    """The rows of a csv_v2_0 file, as columns."""
    header, *lines = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
    rows = []
    for number, line in enumerate(lines, start=1):
        cells: dict[str, Any] = {
            name: cell for name, cell in zip(header, line, strict=True) if cell != "" or name in KNOWN
        }
        rows.append(_columns(cells, first_day, last_day) | {"report_row": number})
    return rows


def control_totals(rows: list[dict[str, Any]]) -> tuple[int, dict[str, dict[str, Decimal]]]:
    """Row count, and sums by measurement unit."""
    sums: dict[str, dict[str, Decimal]] = {}
    for row in rows:
        of_unit = sums.setdefault(row["measurement_unit"], {})
        for name in (name.replace(".", "_") for name in MEASURES):
            of_unit[name] = _EXACT.add(of_unit.get(name, Decimal(0)), row[name] or 0)
    return len(rows), sums


def compute_points(seconds: int | Decimal) -> Decimal:
    """Seconds / 3600, to 2 decimals, half away from zero."""
    points = _EXACT.divide(Decimal(seconds), Decimal(3600))
    return points.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP, context=_EXACT)


def _json(content: bytes) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in pairs}) < len(pairs):
            raise NotAReportError("a key appears twice")
        return dict(pairs)

    def no_number(text: str) -> Any:
        raise NotAReportError(text)

    try:
        value = json.loads(
            content.decode(), parse_float=Decimal, object_pairs_hook=once, parse_constant=no_number
        )
        # Half of a surrogate pair cannot be encoded.
        json.dumps(value, ensure_ascii=False, default=str).encode()
    except (ValueError, RecursionError) as error:
        raise NotAReportError(str(error)) from None
    return value


def _fields_of_element(element: Any) -> list[dict[str, Any]]:
    if not isinstance(element, dict):
        raise NotAReportError("an element is not an object")
    has_usage = any(key.split(".")[0] == "usage" for key in element)
    list_keys = [key for key in ("usages", "items") if key in element and not has_usage]
    if not list_keys:
        return [_flat(element)]
    shared = dict(element)
    rows = shared.pop(list_keys[0])
    if not any(key.split(".")[0] == "tenant" for key in shared):
        for bare in ("id", "name", "kind", "customer_id"):
            if bare in shared:
                shared[f"tenant.{bare}"] = shared.pop(bare)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise NotAReportError("no list of rows")
    return [{**_flat(shared), **_flat(row)} for row in rows]


def _flat(found: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for key, value in found.items():
        name = prefix + key
        if isinstance(value, dict) and (name in _OBJECTS or (name not in KNOWN and _has_scalars_only(value))):
            inner = _flat(value, f"{name}.")
        else:
            inner = {name: value}
        if inner.keys() & fields.keys():
            raise NotAReportError("a field is given twice")
        fields.update(inner)
    return fields


def _has_scalars_only(found: dict[str, Any]) -> bool:
    return found != {} and all(
        not key.lower().startswith("usage")
        and not isinstance(value, list)
        and (not isinstance(value, dict) or _has_scalars_only(value))
        for key, value in found.items()
    )


def _columns(  # noqa: C901, PLR0912 - one rule after the other, as the specification lists them
    fields: dict[str, Any], first_day: date, last_day: date
) -> dict[str, Any]:
    row: dict[str, Any] = {}
    kept: dict[str, Any] = {}

    def of_no_invoice(name: str, read: Callable[[Any], Any]) -> Any:
        try:
            return read(fields.get(name))
        except NotAReportError:
            kept[name] = fields[name]
            return None

    for name, column in TEXTS.items():
        if name in ("name", "edition", "sku", "tenant.kind"):
            row[column] = _text(fields.get(name), number_too=name != "name")
        else:
            row[column] = of_no_invoice(name, partial(_text, number_too=True))
    for name, column in IDS.items():
        text = _text(fields.get(name))
        try:
            row[column] = None if text is None else UUID(text)
        except ValueError:
            raise NotAReportError(f"{name} is not a UUID") from None
    for name, (column, decimals) in AMOUNTS.items():
        row[column] = of_no_invoice(name, partial(_amount, digits=38 - decimals, decimals=decimals))
    if row["tenant_id"] is None or row["offering_item"] is None:
        raise NotAReportError("no tenant or no offering item")
    row["usage_date"] = _day(fields.get("date"), first_day, last_day)
    flag = fields.get("is_range")
    row["is_range"] = {"true": True, "false": False}.get(flag.lower()) if isinstance(flag, str) else flag
    if not isinstance(row["is_range"], bool):
        raise NotAReportError("is_range is not a truth value")
    unit = _text(fields.get("measurement_unit")) or "quantity"
    plain = unit.strip(" \t\r\n").lower()
    plain = "quantity" if plain in {"", "n/a"} else plain
    row["measurement_unit"] = plain if plain in {"bytes", "seconds", "quantity"} else unit
    for name in MEASURES:
        measure = partial(_amount, digits=22, decimals=6)
        if name.startswith("effective"):
            row[name.replace(".", "_")] = of_no_invoice(f"usage.{name}", measure)
        elif (found := measure(fields.get(f"usage.{name}"))) is None:
            raise NotAReportError("a measure is missing")
        else:
            row[name.replace(".", "_")] = found
    for part in ("production", "trial", "total"):
        points = None
        if row["measurement_unit"] == "seconds":
            points = compute_points(row[f"delta_{part}"])
            if abs(points) >= 10**16:
                raise NotAReportError("too many compute points")
        row[f"dr_compute_points_{part}"] = points
    row["extra"] = {
        name: value
        for name, value in fields.items()
        if name in kept or (name not in KNOWN and (value is not None or name not in OBJECTS))
    } or None
    return row


def _text(value: Any, *, number_too: bool = False) -> str | None:
    if number_too and isinstance(value, int | Decimal) and not isinstance(value, bool):
        if abs(Decimal(value).adjusted()) > 60:
            raise NotAReportError("a text of gigabytes")
        return format(Decimal(value), "f")
    if value is not None and not isinstance(value, str):
        raise NotAReportError("not a text")
    return value or None


def _amount(value: Any, digits: int, decimals: int) -> Decimal | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise NotAReportError("not an amount")
    if isinstance(value, str) and not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]{1,3})?", value):
        raise NotAReportError("not an amount")
    number = Decimal(value)
    try:
        exact = number.quantize(Decimal(1).scaleb(-decimals), context=_EXACT)
    except ArithmeticError:
        raise NotAReportError("too large") from None
    if exact != number or number.copy_abs() >= 10**digits:
        raise NotAReportError("not exact")
    return exact


def _day(value: Any, first_day: date, last_day: date) -> date:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        raise NotAReportError("not a day")
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise NotAReportError("not a day") from None
    if not first_day <= day <= last_day:
        raise NotAReportError("another period")
    return day
