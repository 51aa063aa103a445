"""Loads price after price until it is killed: `python -m … DATA_DIR FIRST_VALUE`."""

from __future__ import annotations

import sys
from itertools import count
from pathlib import Path

from billing_pipeline.charges import load_prices
from billing_pipeline.warehouse import WarehouseFile
from billing_pipeline_tests.charges.books import A, B, price, terms, write_csv


def write_files(folder: Path, value: int) -> None:
    """Price files in which every number is the same."""
    folder.mkdir(exist_ok=True)
    write_csv(folder / "sell.csv", [price(sku, str(value)) for sku in ("S1", "S2", "S3")])
    write_csv(folder / "buy.csv", [price("S1", str(value))])
    write_csv(folder / "customers.csv", [terms(tenant, minimum=str(value)) for tenant in (A, B)])


if __name__ == "__main__":
    data_dir = Path(sys.argv[1])
    for number in count(int(sys.argv[2])):
        write_files(data_dir / "prices", number)
        load_prices(WarehouseFile(data_dir), data_dir / "prices")
        print(number, flush=True)
