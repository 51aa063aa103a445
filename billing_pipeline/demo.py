"""`make demo`: three closed months from a sandbox API on loopback into DuckDB, and a summary to read."""

from __future__ import annotations

import os
import shlex
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import requests
from pydantic import SecretStr
from tabulate import tabulate

from billing_pipeline.cli.run import load
from billing_pipeline.errors import BillingPipelineError
from billing_pipeline.orchestration.settings import Settings
from billing_pipeline.periods import SINGLE_ACCOUNT, AccountPeriod, BillingPeriod
from billing_pipeline.sandbox import Sandbox
from billing_pipeline.settings import PROJECT_ROOT, AccountSettings, PipelineSettings
from billing_pipeline.sql_files import read_sql, rows_as_dicts

_FOLDER = Path("data") / "demo"


def main() -> int:
    """Run the demo.

    Returns:
        0 if three months were loaded and agree with the sandbox's own totals.
    """
    last = BillingPeriod.last_closed()
    periods = [last.previous().previous(), last.previous(), last]
    with Sandbox(ready_after_seconds=2.0) as sandbox:
        os.environ.pop("DAGSTER_HOME", None)
        # Given as arguments: the settings of a real account must not reach the demo.
        account = AccountSettings(
            base_url=sandbox.base_url,
            client_id=sandbox.client_id,
            client_secret=SecretStr(sandbox.client_secret),
            poll_interval_seconds=1,
        )
        settings = Settings(PipelineSettings(data_dir=_FOLDER), {SINGLE_ACCOUNT: account})
        print(f"A sandbox of the Acronis API serves an invented distributor on {sandbox.base_url}.")
        print(f"Dagster materialises {', '.join(map(str, periods))} into {_FOLDER}:\n", flush=True)
        if status := load([AccountPeriod(period, SINGLE_ACCOUNT) for period in periods], settings):
            return status
        with settings.warehouse.reading() as connection:
            ours = rows_as_dicts(connection.execute(read_sql("demo.sql")))
        theirs = {period.start: _expected(sandbox, period) for period in periods}
    agree = all(
        (row["row_count"], row["reported_points"]) == theirs[row["billing_period"]]
        for row in ours
        if row["billing_period"] in theirs
    )
    _summarise(ours, agree=agree)
    return 0 if agree else 1


def _expected(sandbox: Sandbox, period: BillingPeriod) -> tuple[int, Decimal]:
    """Rows and compute points as the sandbox itself counts them."""
    url = f"{sandbox.base_url}/sandbox/totals?period={period}"
    totals = requests.get(url, proxies={"http": ""}, timeout=60).json()
    return totals["rows"], Decimal(totals["dr_compute_points"]["total"])


def _summarise(rows: list[dict[str, Any]], *, agree: bool) -> None:
    table = [
        (
            BillingPeriod.containing(row["billing_period"]).key,
            f"{row['row_count']:,}",
            f"{row['tenants']:,}",
            f"{row['skus']:,}",
            f"{row['gib']:,.1f}",
            f"{row['compute_points']:,.2f}",
        )
        for row in rows
    ]
    headers = ("billing period", "usage rows", "tenants", "SKUs", "storage, GiB", "DR compute points")
    print(f"\n{tabulate(table, headers, disable_numparse=True, colalign=('left',) + ('right',) * 5)}\n")
    print(
        "Rows and compute points equal the sandbox's own count."
        if agree
        else "Rows or compute points DIFFER from the sandbox's own count: please report this."
    )
    script = Path(sys.executable).parent / "billing-pipeline"
    if script.is_relative_to(PROJECT_ROOT):
        script = script.relative_to(PROJECT_ROOT)
    command = shlex.quote(str(script))
    print(
        f"""
Try next
  Ask in SQL:        BILLING_DATA_DIR={_FOLDER} {command} sql "SELECT tenant_name, sum(quantity) AS points FROM billable_usage WHERE unit = 'compute points' GROUP BY 1 ORDER BY 2 DESC LIMIT 5"
  See the periods:   BILLING_DATA_DIR={_FOLDER} {command} status
  Open the UI:       BILLING_DATA_DIR={_FOLDER} make ui     (then http://127.0.0.1:3000)
  A month's page:    {_FOLDER}/reports/{table[-1][0]}.html
  The raw reports:   {_FOLDER}/raw/{table[-1][0]}/"""  # noqa: E501
    )


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BillingPipelineError as error:
        sys.exit(f"make demo: {error}")
    except KeyboardInterrupt:
        sys.exit("make demo: interrupted")
