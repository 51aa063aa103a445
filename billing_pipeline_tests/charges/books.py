"""A data folder with usage and price files, and what `billing-pipeline` makes of them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from billing_pipeline.cli import main as billing_pipeline
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.warehouse import WarehouseFile
from billing_pipeline_tests.harness.command_line import warnings_and_errors
from billing_pipeline_tests.warehouse.reports import (
    ROOT,
    SEPTEMBER,
    load_unchecked,
    points,
    query,
    row,
    storage,
)

A, B, C = (f"30000000-0000-4000-8000-00000000000{letter}" for letter in "abc")
AUGUST, OCTOBER = BillingPeriod(2026, 8), BillingPeriod(2026, 10)
PRICE_COLUMNS = [
    "price_list", "sku", "offering_item", "storage_ownership", "unit", "from_quantity", "unit_price",
    "currency", "valid_from", "valid_to", "description",
]  # fmt: skip
TERMS_COLUMNS = ["tenant_id", "price_list", "discount_percent", "minimum", "valid_from", "valid_to", "note"]


def price(sku: str, unit_price: str, from_quantity: str = "", **cells: str) -> dict[str, str]:
    """A row of sell.csv or buy.csv: by default a GiB, in EUR, on the list standard, from 2026-01."""
    columns = dict.fromkeys(PRICE_COLUMNS, "") | {
        "price_list": "standard",
        "sku": sku,
        "unit": "GiB",
        "from_quantity": from_quantity,
        "unit_price": unit_price,
        "currency": "EUR",
        "valid_from": "2026-01",
    }
    assert cells.keys() <= columns.keys()
    return columns | cells


def terms(tenant_id: str, **cells: str) -> dict[str, str]:
    """A row of customers.csv, valid from 2026-01."""
    columns = dict.fromkeys(TERMS_COLUMNS, "") | {"tenant_id": tenant_id, "valid_from": "2026-01"}
    assert cells.keys() <= columns.keys()
    return columns | cells


def gib(quantity: str, sku: str | None = "PGSTRG", tenant_id: str = A, **columns: Any) -> dict[str, Any]:
    """A usage row of storage on Acronis' infrastructure."""
    size = int(Decimal(quantity) * 2**30)
    return storage(absolute_production=size, sku=sku, tenant_id=tenant_id, **columns)


def on_partner_storage(quantity: str, sku: str | None = "PGSTRG", tenant_id: str = A) -> dict[str, Any]:
    """The same on the partner's own infrastructure."""
    own = "40000000-0000-4000-8000-000000000003"
    return gib(quantity, sku, tenant_id, infra_id=own, infra_owner_id=ROOT)


def compute_points(quantity: str, tenant_id: str = A, **columns: Any) -> dict[str, Any]:
    """A usage row of compute points, SKU CMPTPNTS."""
    seconds = Decimal(quantity) * 3600
    assert seconds == int(seconds)
    return points(delta_production=int(seconds), tenant_id=tenant_id, **columns)


def count(quantity: int, sku: str | None = None, tenant_id: str = A, **columns: Any) -> dict[str, Any]:
    """A usage row of a counted item."""
    return row(absolute_production=quantity, sku=sku, tenant_id=tenant_id, **columns)


def write_csv(path: Path, rows: Iterable[Mapping[str, str]]) -> None:
    """Write a price file, with the columns that its name demands."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, TERMS_COLUMNS if path.name == "customers.csv" else PRICE_COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


@dataclass(frozen=True)
class Books:
    """The data folder of a test."""

    data_dir: Path
    capture: pytest.CaptureFixture[str]

    @property
    def warehouse(self) -> WarehouseFile:
        return WarehouseFile(self.data_dir)

    def path(self, name: str) -> Path:
        folder = self.data_dir / "prices"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / name

    def usage(self, *rows: Mapping[str, Any], period: BillingPeriod = SEPTEMBER, **columns: Any) -> None:
        """Load a month's usage; the checks of a load are tested elsewhere."""
        load_unchecked(self.warehouse, rows, period, **columns)

    def write_prices(self, *rows: Mapping[str, str], name: str = "sell.csv") -> None:
        write_csv(self.path(name), rows)

    def write_terms(self, *rows: Mapping[str, str]) -> None:
        write_csv(self.path("customers.csv"), rows)

    def prices(self, *arguments: str, status: int = 0) -> list[str]:
        """Run `prices …`, and return the warnings and errors."""
        _, lines = self.run("prices", *arguments, status=status)
        return lines

    def run(self, *arguments: str, status: int = 0) -> tuple[list[str], list[str]]:
        """Run a command, and return the lines of stdout, and the warnings and errors."""
        self.capture.readouterr()
        done = billing_pipeline(arguments)
        captured = self.capture.readouterr()
        assert done == status, captured.err
        return captured.out.splitlines(), warnings_and_errors(captured.err)

    def close(self, period: BillingPeriod, *options: str) -> list[str]:
        """Close a month, and return the lines of stdout after the first."""
        out, err = self.run("close", "--period", period.key, *options)
        assert out[0] == f"{period} is closed: it is loaded again only with --force."
        assert not err or "--force" in options
        return out[1:]

    def restate(self, *rows: Mapping[str, Any], period: BillingPeriod) -> None:
        """Load a closed month again, with --force."""
        self.usage(*rows, period=period, forced=True, number=2)

    def lines(self, columns: str, where: str = "true") -> list[tuple[Any, ...]]:
        """Columns of the invoice lines that count."""
        return self.ask(
            f"SELECT {columns} FROM invoice_line WHERE voided_at IS NULL AND {where} ORDER BY ALL"
        )

    def sell(self, *rows: Mapping[str, str]) -> None:
        """Write sell.csv and load the price files."""
        self.write_prices(*rows)
        self.prices("load")

    def charges(
        self, columns: str = "quantity, unit_price, amount", where: str = "true"
    ) -> list[tuple[Any, ...]]:
        """Columns of the view charge, as texts; trailing zeros of a decimal do not count."""
        return self.ask(f"SELECT {columns} FROM charge WHERE {where} ORDER BY ALL")

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        """Rows of the warehouse."""
        return [tuple(map(_plain, found.values())) for found in query(self.warehouse, statement)]


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        assert value.is_finite()
        return value
    return value if value is None or isinstance(value, int) else str(value)


def decimals(*texts: str) -> tuple[Decimal, ...]:
    """Numbers of an expected row."""
    return tuple(map(Decimal, texts))
