"""`make demo` depends neither on where its virtual environment is, nor on `.env`, nor on proxies."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from billing_pipeline.periods import BillingPeriod
from billing_pipeline.warehouse import WarehouseFile

pytestmark = pytest.mark.slow


def test_demo__own_settings_and_proxy__loads_from_the_sandbox(project: Path) -> None:
    # The settings of somebody who has connected an account already.
    (project / ".env").write_text(
        "BILLING_ACCOUNTS=eu,us\nBILLING_FIRST_PERIOD=2199-01\nACRONIS_REPORT_LEVEL=all_customers\n"
        "ACRONIS_TENANT_ID=10000000-0000-4000-8000-000000000009\n"
    )

    done = subprocess.run(
        [sys.executable, "-m", "billing_pipeline.demo"],
        cwd=project,
        env={**os.environ, "http_proxy": "http://127.0.0.1:9", "no_proxy": "example.com"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "equal the sandbox's own count" in done.stdout
    assert f" {Path(sys.executable).parent / 'billing-pipeline'} status\n" in done.stdout
    last = BillingPeriod.last_closed()
    with WarehouseFile(project / "data" / "demo").reading() as warehouse:
        month = {"month": last.start}
        invoices = warehouse.execute(
            "SELECT tenant_name, sum(amount) AS owed FROM charge WHERE charge_period = $month"
            " GROUP BY tenant_id, tenant_name ORDER BY owed DESC", month,
        ).fetchall()  # fmt: skip
        (unpriced,) = warehouse.execute(
            "SELECT count(*) FROM unpriced_usage WHERE billing_period = $month", month
        ).fetchone() or (0,)
        (storage,) = warehouse.execute(
            "SELECT sum(quantity) FROM billable_usage WHERE billing_period = $month AND unit = 'GiB'", month
        ).fetchone() or (0,)
    for name, owed in invoices[:3]:
        assert re.search(rf"^{re.escape(name)} .* {owed:,} EUR$", done.stdout, re.MULTILINE)
    revenue = f"{sum(owed for _, owed in invoices):,}"
    (margin,) = re.findall(f"Revenue is {revenue} EUR, margin (.*) EUR", done.stdout)
    page = (project / "data" / "demo" / "reports" / f"{last}.html").read_text(encoding="utf-8")
    for figure in (f"{revenue} EUR</b>revenue", f"{margin} EUR</b>margin", f"{invoices[0][1]:,} EUR</b>"):
        assert figure in page
    assert f"Without a price: {unpriced:,} lines" in page
    assert len(page.encode()) <= 300_000
    assert f"{unpriced:,} lines have no price, such as " in done.stdout
    assert re.search(rf"^{last} .* {storage:,.1f} ", done.stdout, re.MULTILINE), "production, as on the page"
    assert (project / "data" / "demo" / "warehouse.duckdb").exists()
