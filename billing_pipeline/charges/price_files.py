"""The price files sell.csv, buy.csv and customers.csv, and every error in them."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import NamedTuple

from billing_pipeline.charges import cells
from billing_pipeline.charges.csv_file import CsvFile, read_csv_file

PRICES_FOLDER = "prices"
"""Folder of the price files, in the data folder."""
STANDARD = "standard"
"""The price list of customers without terms, and of what a customer's own list has no price for."""

_MISSING = {"unit_price": "unit_price is missing: write 0 for what is free of charge"}
# Exact in DECIMAL(18, 10) after a discount with two decimals.
_MONEY_DIGITS = 8
_OPEN = "9999-12"

# What is wrong with a cell that is not blank; None: nothing ever is.
_Rule = Callable[[str], str | None] | None
# The columns, in the order of a template.
_PRICE_RULES: Mapping[str, _Rule] = {
    "price_list": cells.name_error,
    "sku": cells.name_error,
    "offering_item": cells.name_error,
    "storage_ownership": cells.ownership_error,
    "unit": cells.unit_error,
    "from_quantity": partial(cells.number_error, decimals=2, digits=12),
    "unit_price": partial(cells.number_error, decimals=6, digits=_MONEY_DIGITS),
    "currency": cells.currency_error,
    "valid_from": cells.month_error,
    "valid_to": cells.month_error,
    "description": None,
}
PRICE_COLUMNS = tuple(_PRICE_RULES)
_PRICE_REQUIRED = ("price_list", "unit", "unit_price", "currency", "valid_from")
_TERMS_RULES: Mapping[str, _Rule] = {
    "tenant_id": cells.uuid_error,
    "price_list": cells.name_error,
    "discount_percent": partial(cells.number_error, decimals=2, digits=3),
    "minimum": partial(cells.number_error, decimals=2, digits=_MONEY_DIGITS),
    "valid_from": cells.month_error,
    "valid_to": cells.month_error,
    "note": None,
}
TERMS_COLUMNS = tuple(_TERMS_RULES)
_TERMS_REQUIRED = ("tenant_id", "valid_from")
_RULES = {"sell": _PRICE_RULES, "buy": _PRICE_RULES, "customers": _TERMS_RULES}
# By price list: months and currency of its prices, with one of their rows.
_Currencies = Mapping[str, Mapping[tuple[str, str, str], int]]


class _Dated(NamedTuple):
    """A row with the months in which it is valid, as texts like `2026-09`, which sort like months."""

    number: int
    valid_from: str
    valid_to: str
    cells: Mapping[str, str]


def hash_price_files(folder: Path) -> dict[str, str | None]:
    """The SHA-256 of each price file of a folder, by name; None for a file that cannot be read."""
    return {path.name: _hash(path) for name in _RULES if (path := folder / f"{name}.csv").exists()}


def _hash(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None


def read_price_files(folder: Path) -> dict[str, CsvFile]:
    """Read the files of a folder, by name without suffix, and find every error in them.

    Only sell.csv must be there.
    """
    paths = {name: folder / f"{name}.csv" for name in _RULES}
    files = {
        name: read_csv_file(path, tuple(_RULES[name]))
        for name, path in paths.items()
        if name == "sell" or path.exists()
    }
    for name, file in files.items():
        if name == "customers":
            _check_terms(file, files["sell"])
        else:
            _check_prices(file)
    return files


def _check_prices(file: CsvFile) -> None:
    by_price: dict[tuple[str, ...], list[_Dated]] = {}
    for number, row in file.rows.items():
        bad = _check_cells(file, number, row, _PRICE_RULES, _PRICE_REQUIRED)
        if bool(row["sku"]) == bool(row["offering_item"]):
            bad.add("sku")
            file.add_error(number, "give sku or offering_item" + (", not both" if row["sku"] else ""))
        dated = _dated(file, number, row, bad)
        # A row whose amount alone is faulty still counts as a tier.
        if dated and not bad & {*PRICE_COLUMNS[:6]}:
            by_price.setdefault(tuple(row[name] for name in PRICE_COLUMNS[:5]), []).append(dated)
    for tiers in by_price.values():
        _check_tiers(file, tiers)


def _check_tiers(file: CsvFile, tiers: Iterable[_Dated]) -> None:
    """The tiers of one price: in each month one that begins at 0, none twice, and one currency."""
    by_quantity: dict[Decimal, list[_Dated]] = {}
    for tier in tiers:
        by_quantity.setdefault(Decimal(tier.cells["from_quantity"] or 0), []).append(tier)
    overlaps = [_has_overlap(file, same, "price") for same in by_quantity.values()]
    if any(overlaps):
        return
    without_start, mixed = False, False
    # What is valid changes in these months only.
    for month in sorted(
        {tier.valid_from for tier in tiers} | {_month_after(tier.valid_to) for tier in tiers}
    ):
        valid = [tier for tier in tiers if tier.valid_from <= month <= tier.valid_to]
        currencies = {tier.cells["currency"] for tier in valid} - {""}
        begin_at_0 = [tier for tier in valid if not Decimal(tier.cells["from_quantity"] or 0)]
        if valid and not begin_at_0 and not without_start:
            without_start = True
            first = min(valid)
            where = "" if first.valid_from == month else f"in {month} "
            file.add_error(first.number, f"{where}no tier begins at 0")
        if len(currencies) > 1 and not mixed:
            mixed = True
            file.add_error(max(valid).number, f"tiers in {len(currencies)} currencies")


def _check_terms(file: CsvFile, sell: CsvFile) -> None:
    by_list: dict[str, dict[tuple[str, str, str], int]] = {}
    for number, row in sell.rows.items():
        prices = by_list.setdefault(row["price_list"], {})
        prices.setdefault((row["valid_from"], row["valid_to"] or _OPEN, row["currency"]), number)
    by_tenant: dict[str, list[_Dated]] = {}
    for number, row in file.rows.items():
        bad = _check_cells(file, number, row, _TERMS_RULES, _TERMS_REQUIRED)
        if "discount_percent" not in bad and Decimal(row["discount_percent"] or 0) > 100:
            file.add_error(number, f'discount_percent "{row["discount_percent"]}" is more than 100')
        price_list = row["price_list"] or STANDARD
        if "price_list" not in bad and price_list not in by_list and not sell.errors:
            file.add_error(number, f'price_list "{price_list}" is not in sell.csv')
        if dated := _dated(file, number, row, bad):
            if "minimum" not in bad and Decimal(row["minimum"] or 0) > 0 and not sell.errors:
                _check_currency_of_minimum(file, dated, by_list)
            by_tenant.setdefault(row["tenant_id"].lower(), []).append(dated)
    for same in by_tenant.values():
        _has_overlap(file, same, "customer")


def _check_currency_of_minimum(file: CsvFile, terms: _Dated, by_list: _Currencies) -> None:
    """A minimum is in the currency of the customer's list or, while it has no price, of the standard list."""
    found: dict[str, int] = {}
    own, standard = (by_list.get(name, {}) for name in (terms.cells["price_list"] or STANDARD, STANDARD))
    starts = {terms.valid_from} | {start for start, _, _ in (*own, *standard)}
    ends = {_month_after(end) for _, end, _ in (*own, *standard)}
    for month in sorted(starts | ends):
        if terms.valid_from <= month <= terms.valid_to:
            found |= _valid_currencies(own, month) or _valid_currencies(standard, month)
    if len(found) > 1:
        named = " and ".join(f"{currency} (row {number})" for currency, number in sorted(found.items()))
        file.add_error(
            terms.number,
            f"minimum has no certain currency, because the customer's prices in sell.csv are in {named}: "
            "split the customer's row by month, or the price list by currency",
        )


def _valid_currencies(prices: Mapping[tuple[str, str, str], int], month: str) -> dict[str, int]:
    return {currency: number for (start, end, currency), number in prices.items() if start <= month <= end}


def _check_cells(
    file: CsvFile, number: int, row: Mapping[str, str], rules: Mapping[str, _Rule], required: Sequence[str]
) -> set[str]:
    """Note the errors of a row's cells; the columns that have one."""
    bad = set()
    for column, text in row.items():
        error = None
        if not text:
            if column in required:
                error = _MISSING.get(column, f"{column} is missing")
        elif (rule := rules[column]) is None:
            continue
        elif text != text.strip():
            error = f"{column} has spaces around it"
        elif reason := rule(text):
            error = f'{column} "{text}" {reason}'
        if error:
            bad.add(column)
            file.add_error(number, error)
    return bad


def _dated(file: CsvFile, number: int, row: Mapping[str, str], bad: set[str]) -> _Dated | None:
    """The row with its months, unless one of them is faulty."""
    if bad & {"valid_from", "valid_to"}:
        return None
    valid_from, valid_to = row["valid_from"], row["valid_to"] or _OPEN
    if valid_to < valid_from:
        file.add_error(number, "ends before it begins")
        return None
    return _Dated(number, valid_from, valid_to, row)


def _has_overlap(file: CsvFile, same: Iterable[_Dated], noun: str) -> bool:
    """Note rows for one thing that are valid in the same month; whether there are any."""
    found = False
    latest: _Dated | None = None
    for row in sorted(same, key=lambda row: (row.valid_from, row.valid_to, row.number)):
        if latest is not None and row.valid_from <= latest.valid_to:
            found = True
            first, second = sorted((row.number, latest.number))
            if (row.valid_from, row.valid_to) == (latest.valid_from, latest.valid_to):
                file.add_error(second, f"the same {noun} twice, rows {first} and {second}")
            else:
                file.add_error(second, f"valid in {row.valid_from} like row {first}")
        if latest is None or row.valid_to > latest.valid_to:
            latest = row
    return found


def _month_after(month: str) -> str:
    year, number = int(month[:4]), int(month[5:])
    return f"{year + number // 12:04d}-{number % 12 + 1:02d}"
