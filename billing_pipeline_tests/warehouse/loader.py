"""A loader as a process of its own: `python -m … DATA_DIR YYYY-MM… [--rows N] [--until-killed]`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from billing_pipeline.periods import BillingPeriod
from billing_pipeline.settings import PipelineSettings
from billing_pipeline.warehouses import open_warehouse
from billing_pipeline_tests.warehouse.reports import load, row


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("periods", nargs="+")
    parser.add_argument("--value", type=int, default=1)
    parser.add_argument("--until-killed", action="store_true")
    arguments = parser.parse_args()
    os.environ["BILLING_DATA_DIR"] = str(arguments.data_dir)
    warehouse = open_warehouse(PipelineSettings.load())
    value = arguments.value
    while True:
        for key in arguments.periods:
            load(warehouse, month_of(value), BillingPeriod.parse(key), number=value)
            print(f"{key} {value}", flush=True)
        if not arguments.until_killed:
            return
        value += 1


def month_of(value: int) -> list[dict[str, object]]:
    """Three rows with the same number, so that a partial month is detected."""
    return [row(offering_item=item, absolute_production=value) for item in ("workstations", "servers", "vms")]


if __name__ == "__main__":
    main()
