"""The demo: three complete months from a sandbox API on loopback into DuckDB, prices, and a summary."""

import os
import shlex
import sys
from collections.abc import Sequence
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any

import duckdb
import requests
from tabulate import tabulate

from billing_pipeline.charges import PRICES_FOLDER
from billing_pipeline.cli.run import load
from billing_pipeline.files import atomic_write
from billing_pipeline.loopback import proxies_for
from billing_pipeline.orchestration.settings import Settings
from billing_pipeline.orchestration.ui import serve_ui
from billing_pipeline.periods import SINGLE_ACCOUNT, AccountPeriod, BillingPeriod
from billing_pipeline.sandbox import Sandbox
from billing_pipeline.settings import PROJECT_ROOT
from billing_pipeline.sql_files import read_sql, rows_as_dicts
from billing_pipeline.warehouse.closing import open_periods

_FOLDER = Path("data") / "demo"


def run_demo(*, with_ui: bool, port: int | None = None) -> int:
    """Run the demo.

    Args:
        with_ui: open Dagster's UI afterwards, while the sandbox goes on: months can be materialised there.
        port: of the page; None: 3000, or a free one if that is taken.

    Returns:
        The exit status: 0 if three months were loaded and agree with the sandbox's own totals.
    """
    last = BillingPeriod.last_complete()
    periods = [last.previous().previous(), last.previous(), last]
    with Sandbox(ready_after_seconds=2.0) as sandbox:
        _set_environment(sandbox, periods[0])
        settings = Settings()
        print(f"A sandbox of the Acronis API serves an invented distributor on {sandbox.base_url}.")
        print(f"Dagster materialises {', '.join(map(str, periods))} into {_FOLDER}:\n", flush=True)
        # Before the load, whose runs charge the months at these prices.
        copy_demo_prices(settings.pipeline.data_dir / PRICES_FOLDER)
        to_load = open_periods(settings.warehouse, periods)
        for period in periods:
            if period not in to_load:
                print(f"{period} is closed, so it stays as it is.", flush=True)
        if status := load([AccountPeriod(period, SINGLE_ACCOUNT) for period in to_load], settings):
            return status
        with settings.warehouse.reading() as connection:
            ours = rows_as_dicts(connection.execute(read_sql("cli/demo/months.sql")))
            agree = all(
                (row["row_count"], row["reported_points"]) == _expected(sandbox, period)
                for row in ours
                for period in periods
                if row["billing_period"] == period.start
            )
            _show_usage(ours, agree=agree)
            _show_money(connection, last)
        _show_next_steps(last)
        if agree and with_ui:
            serve_ui(port)
    return 0 if agree else 1


def copy_demo_prices(folder: Path) -> None:
    """Copy the invented price list into a folder.

    Its prices begin before any month of the demo. The item `notary_storage` has none, so that there is
    unpriced usage to look at.
    """
    for name in ("sell.csv", "buy.csv"):
        with atomic_write(folder / name) as file:
            file.write(resources.files(__package__).joinpath("prices", name).read_bytes())


def _set_environment(sandbox: Sandbox, first: BillingPeriod) -> None:
    """Set the demo's settings, and none of a real account, for this process and those of Dagster's UI."""
    for name in [name for name in os.environ if name.startswith(("ACRONIS_", "BILLING_", "DAGSTER_HOME"))]:
        del os.environ[name]
    os.environ |= {
        "ACRONIS_BASE_URL": sandbox.base_url,
        "ACRONIS_CLIENT_ID": sandbox.client_id,
        "ACRONIS_CLIENT_SECRET": sandbox.client_secret,
        "ACRONIS_POLL_INTERVAL_SECONDS": "1",
        "BILLING_DATA_DIR": str(_FOLDER),
        "BILLING_ENV_FILE": os.devnull,
        # Dagster shows an asset as materialised if all of its months are.
        "BILLING_FIRST_PERIOD": first.key,
    }


def _expected(sandbox: Sandbox, period: BillingPeriod) -> tuple[int, Decimal]:
    """Rows and compute points as the sandbox itself counts them."""
    url = f"{sandbox.base_url}/sandbox/totals?period={period}"
    totals = requests.get(url, proxies=proxies_for(url), timeout=60).json()
    return totals["rows"], Decimal(totals["dr_compute_points"]["total"])


def _show_usage(rows: list[dict[str, Any]], *, agree: bool) -> None:
    table = [
        (
            BillingPeriod.containing(row["billing_period"]).key,
            f"{row['row_count']:,}",
            f"{row['tenants']:,}",
            f"{row['skus']:,}",
            f"{row['gib']:,.1f}",
            f"{row['trial_gib']:,.1f}",
            f"{row['compute_points']:,.2f}",
        )
        for row in rows
    ]
    headers = (
        *("billing period", "usage rows", "tenants", "SKUs"),
        *("storage, GiB", "in trial, GiB", "DR compute points"),
    )
    _print_table(table, headers)
    print(
        "Rows and compute points equal the sandbox's own count."
        if agree
        else "Rows or compute points DIFFER from the sandbox's own count: please report this."
    )


def _show_money(connection: duckdb.DuckDBPyConnection, period: BillingPeriod) -> None:
    month = {"month": period.start}
    invoices, margins, unpriced = (
        rows_as_dicts(connection.execute(read_sql(f"cli/demo/{name}.sql"), month))
        for name in ("invoices", "margin", "unpriced")
    )
    print(f"\nWhat the largest customers owe for {period}, at the invented prices in {_FOLDER}/prices/:")
    table = [
        (row["tenant_name"], f"{row['lines']:,}", f"{row['amount']:,} {row['currency']}") for row in invoices
    ]
    _print_table(table, ("customer", "lines", "amount"))
    for row in margins:
        amount, margin, currency = row["amount"], row["margin"], row["currency"]
        print(f"Revenue is {amount:,} {currency}, margin {margin:,.2f} {currency}.")
    for row in unpriced:
        print(
            f"{row['lines']:,} lines have no price, such as {row['quantity']:,} {row['unit']} of "
            f"{row['offering_item']} for {row['tenant_name']} ({row['reason']})."
        )


def _print_table(rows: Sequence[Sequence[str]], headers: Sequence[str]) -> None:
    alignment = ("left",) + ("right",) * (len(headers) - 1)
    print(f"\n{tabulate(rows, headers, disable_numparse=True, colalign=alignment)}\n")


def _show_next_steps(last: BillingPeriod) -> None:
    script = Path(sys.executable).parent / "billing-pipeline"
    if script.is_relative_to(PROJECT_ROOT):
        script = script.relative_to(PROJECT_ROOT)
    program = shlex.quote(str(script))
    command = f"BILLING_DATA_DIR={_FOLDER} {program}"
    print(
        f"""
Try next
  Ask in SQL:        {command} sql "FROM charge_in(DATE '{last.start}') ORDER BY amount DESC LIMIT 5"
  See the periods:   {command} status
  Open the UI:       {program} demo --ui     (then http://127.0.0.1:3000)
  A month's page:    {_FOLDER}/reports/{last}.html
  The raw reports:   {_FOLDER}/raw/{last}/""",
        flush=True,
    )
