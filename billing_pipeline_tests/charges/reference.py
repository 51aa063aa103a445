"""Charges calculated a second time, in plain Python with `Decimal` and without any of the product's code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

Row = Mapping[str, str]
Kind = tuple[str, str | None, str | None, str]
"""Offering item, SKU, storage ownership and unit."""
Line = tuple[Any, ...]
"""The columns of a charge, from the tenant to the cost."""


@dataclass(frozen=True)
class Usage:
    """The billable quantity of one row, with ten decimals."""

    tenant_id: str
    kind: Kind
    quantity: Decimal


@dataclass(frozen=True)
class Files:
    """The rows of the price files."""

    sell: list[dict[str, str]]
    buy: list[dict[str, str]]
    customers: list[dict[str, str]]

    def terms(self, tenant_id: str, month: str) -> Row:
        found = [row for row in self.customers if row["tenant_id"] == tenant_id and is_valid(row, month)]
        return found[0] if found else {"price_list": "", "discount_percent": "", "minimum": ""}


@dataclass(frozen=True)
class Expected:
    """What a month comes to."""

    lines: list[Line] = field(default_factory=list)
    unpriced: set[tuple[Any, ...]] = field(default_factory=set)


def expected_month(usage: Iterable[Usage], files: Files, month: str) -> Expected:
    """The charges of a month like `2026-09`."""
    result = Expected()
    quantities: dict[tuple[str, Kind], Decimal] = {}
    for each in usage:
        key = (each.tenant_id, each.kind)
        quantities[key] = quantities.get(key, Decimal(0)) + each.quantity
    for (tenant, kind), exact in quantities.items():
        if not (quantity := rounded(exact, 2)):
            continue
        lines = usage_lines(tenant, kind, quantity, files, month)
        result.lines.extend(lines)
        if not lines:
            result.unpriced.add((tenant, *kind, quantity))
    currencies: dict[str, set[str]] = {}
    for line in result.lines:
        currencies.setdefault(line[0], set()).add(line[10])
    for tenant in {row["tenant_id"] for row in files.customers}:
        if minimum := minimum_of(tenant, files, month):
            amount, currency = minimum
            currencies.setdefault(tenant, set()).add(currency)
            missing = amount - sum((line[11] for line in result.lines if line[0] == tenant), Decimal(0))
            if missing > 0:
                nothing = (None,) * 5
                line = (tenant, "minimum", *nothing, Decimal(1), missing, missing, currency, missing, None)
                result.lines.append(line)
    if any(len(found) > 1 for found in currencies.values()):
        result.lines.clear()
    return result


def usage_lines(tenant: str, kind: Kind, quantity: Decimal, files: Files, month: str) -> list[Line]:
    """The lines of one quantity, one a tier."""
    terms = files.terms(tenant, month)
    own = terms["price_list"] or "standard"
    tiers, costs = (tiers_for(prices, own, kind, month) for prices in (files.sell, files.buy))
    lines: list[Line] = []
    done = Decimal(0)
    for number, tier in enumerate(tiers):
        end = Decimal(tiers[number + 1]["from_quantity"]) if number + 1 < len(tiers) else None
        part = (quantity if end is None else min(quantity, end)) - done
        if number and part <= 0:
            break
        list_price = Decimal(tier["unit_price"])
        unit_price = list_price - list_price * Decimal(terms["discount_percent"] or 0) / 100
        amount = money(part * unit_price, tier["currency"])
        cost = cost_of(done + part, costs) - cost_of(done, costs) if costs else None
        start = Decimal(tier["from_quantity"] or 0)
        prices = (list_price, unit_price, tier["currency"])
        lines.append((tenant, "usage", *kind, start, part, *prices, amount, cost))
        done += part
    return lines


def minimum_of(tenant: str, files: Files, month: str) -> tuple[Decimal, str] | None:
    """A customer's minimum and its currency."""
    terms = files.terms(tenant, month)
    for price_list in (terms["price_list"] or "standard", "standard"):
        for row in files.sell:
            if row["price_list"] == price_list and is_valid(row, month) and Decimal(terms["minimum"] or 0):
                return money(Decimal(terms["minimum"]), row["currency"]), row["currency"]
    return None


def tiers_for(prices: Iterable[Row], own: str, kind: Kind, month: str) -> list[Row]:
    """The tiers of the price that applies: the first one that there is."""
    item, sku, ownership, unit = kind
    valid = [row for row in prices if is_valid(row, month) and row["unit"] == unit]
    for price_list in (own, "standard"):
        for column, name in (("sku", sku), ("offering_item", item)):
            for storage in (ownership, None):
                found = [
                    row
                    for row in valid
                    if row["price_list"] == price_list
                    and name is not None
                    and row[column] == name
                    and row["storage_ownership"] == (storage or "")
                ]
                if found:
                    return sorted(found, key=lambda row: Decimal(row["from_quantity"] or 0))
    return []


def cost_of(quantity: Decimal, tiers: list[Row]) -> Decimal:
    """What the first `quantity` units cost; a negative quantity is priced in the first tier."""
    if quantity < 0:
        return quantity * Decimal(tiers[0]["unit_price"])
    total = Decimal(0)
    for number, tier in enumerate(tiers):
        start = Decimal(tier["from_quantity"] or 0)
        end = Decimal(tiers[number + 1]["from_quantity"]) if number + 1 < len(tiers) else quantity
        total += max(min(quantity, end) - start, Decimal(0)) * Decimal(tier["unit_price"])
    return total


def is_valid(row: Row, month: str) -> bool:
    return row["valid_from"] <= month <= (row["valid_to"] or "9999-12")


def rounded(value: Decimal, decimals: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)


def money(value: Decimal, currency: str) -> Decimal:
    return rounded(value, 0 if currency == "JPY" else 2)
