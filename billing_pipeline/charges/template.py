"""A price file for everything that is billed in a month, to be filled with prices."""

import csv
from typing import TextIO

from billing_pipeline.charges.price_files import PRICE_COLUMNS
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.sql_files import read_sql
from billing_pipeline.warehouse.history import require_loaded
from billing_pipeline.warehouse.warehouse import Warehouse


def write_template(warehouse: Warehouse, period: BillingPeriod, target: TextIO) -> None:
    """Write one row for each SKU, or item without one, by storage ownership and unit; without prices.

    Raises:
        WarehouseError: the period is not loaded.
    """
    with warehouse.reading() as connection:
        require_loaded(connection, period)
        rows = connection.execute(
            read_sql("charges/queries/template.sql"), {"month": period.start}
        ).fetchall()
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(PRICE_COLUMNS)
    writer.writerows(rows)
