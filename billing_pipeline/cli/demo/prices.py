"""The demo's price files: an invented price list for what the invented distributor has used."""

import csv
import io
import re
from decimal import Decimal
from pathlib import Path

from billing_pipeline.charges import PRICES_FOLDER, load_prices, write_template
from billing_pipeline.files import atomic_write
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.warehouse import Warehouse

# By unit: a pattern of the item's name or the storage's ownership, and the price of one; first match wins.
_PRICES = {
    "GiB": (("acronis", "0.09"), ("partner", "0.02"), ("local", "0.015")),
    "compute points": (("", "0.07"),),
    "count": (
        ("workstation|universal", "2.50"),
        ("server", "14.00"),
        ("vms|virtualhost", "9.50"),
        ("seats|exchange|mobiles", "1.80"),
        ("website|teams|sharepoint", "0.90"),
        ("", "0"),
    ),
}
_SHARE_OF_COST = Decimal("0.62")
# A second tier of the storage that Acronis hosts: from this quantity, this much less.
_TIER_FROM, _TIER_DISCOUNT = "1000", Decimal("0.01")


def load_demo_prices(warehouse: Warehouse, data_dir: Path, first: BillingPeriod, last: BillingPeriod) -> None:
    """Load price files that are written for the usage of the last month, and valid from the first one.

    The item `notary_storage` gets no price, so that there is unpriced usage to look at.
    """
    template = io.StringIO()
    write_template(warehouse, last, template)
    template.seek(0)
    sell, buy = list[dict[str, str]](), list[dict[str, str]]()
    for row in csv.DictReader(template):
        price = _unit_price(row)
        if price is None or row["offering_item"] == "notary_storage":
            continue
        common = row | {"currency": "EUR", "valid_from": first.key}
        sell.append(common | {"unit_price": str(price)})
        if row["unit"] == "GiB" and row["storage_ownership"] == "acronis":
            sell.append(common | {"from_quantity": _TIER_FROM, "unit_price": str(price - _TIER_DISCOUNT)})
        buy.append(common | {"unit_price": str(price * _SHARE_OF_COST)})
    for name, rows in {"sell.csv": sell, "buy.csv": buy}.items():
        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        with atomic_write(data_dir / PRICES_FOLDER / name) as file:
            file.write(text.getvalue().encode())
    load_prices(warehouse, data_dir / PRICES_FOLDER, forced=True)


def _unit_price(row: dict[str, str]) -> Decimal | None:
    """The price of a row of the template; None for a unit without prices."""
    name = f"{row['offering_item']} {row['description']} {row['storage_ownership']}".lower()
    for pattern, price in _PRICES.get(row["unit"], ()):
        if re.search(pattern, name):
            return Decimal(price)
    return None
