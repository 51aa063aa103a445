"""The demo depends neither on the project's folder, nor on `.env`, nor on proxies.

The page that it opens materialises a month, and it ends with all of its processes.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Page, Response, expect

from billing_pipeline.charges import close_period
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.warehouse import WarehouseFile
from billing_pipeline_tests.dagster_ui import wait_until_serving
from billing_pipeline_tests.harness.command_line import OWN_SETTINGS, errors
from billing_pipeline_tests.harness.processes import free_port

pytestmark = pytest.mark.slow


@dataclass
class RunningDemo:
    """The demo, whose page is open."""

    url: str
    process: subprocess.Popen[bytes]
    output: Path
    warehouse: WarehouseFile


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, site_packages: Path) -> Iterator[RunningDemo]:
    """The installed demo of somebody who has connected an account, with an empty home and data folder."""
    folder = tmp_path_factory.mktemp("demo")
    (folder / ".env").write_text(
        "BILLING_ACCOUNTS=eu,us\nBILLING_FIRST_PERIOD=2199-01\nACRONIS_REPORT_LEVEL=all_customers\n"
        "ACRONIS_TENANT_ID=10000000-0000-4000-8000-000000000009\n"
    )
    outside = {name: value for name, value in os.environ.items() if not name.startswith(OWN_SETTINGS)}
    own = {
        "PYTHONPATH": str(site_packages),
        "PYTHONSAFEPATH": "1",
        "http_proxy": "http://127.0.0.1:9",
        "no_proxy": "example.com",
        "HOME": str(folder),
    }
    output, port = folder / "output.txt", free_port()
    command = [sys.executable, "-m", "billing_pipeline", "demo", "--ui", "--port", str(port)]
    with output.open("wb") as file:
        process = subprocess.Popen(
            # As a shell starts a background process.
            ["/bin/sh", "-c", 'trap "" INT; exec "$@"', "sh", *command],
            cwd=folder,
            env=outside | own,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    running = RunningDemo(
        f"http://127.0.0.1:{port}", process, output, WarehouseFile(folder / "data" / "demo")
    )
    try:
        wait_until_serving(running.url, process, seconds=240)
        yield running
    except AssertionError as error:
        pytest.fail(f"{error}:\n{output.read_text(encoding='utf-8')[-3000:]}")
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_demo__own_settings_and_proxy__loads_from_the_sandbox(demo: RunningDemo) -> None:
    output = demo.output.read_text(encoding="utf-8")
    assert "equal the sandbox's own count" in output
    assert f" {Path(sys.executable).parent / 'billing-pipeline'} status\n" in output
    assert "Warning" not in output
    last = BillingPeriod.last_complete()
    with demo.warehouse.reading() as warehouse:
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
        assert re.search(rf"^{re.escape(name)} .* {owed:,} EUR$", output, re.MULTILINE)
    revenue = f"{sum(owed for _, owed in invoices):,}"
    (margin,) = re.findall(f"Revenue is {revenue} EUR, margin (.*) EUR", output)
    page = (demo.warehouse.path.parent / "reports" / f"{last}.html").read_text(encoding="utf-8")
    for figure in (f"{revenue} EUR</b>revenue", f"{margin} EUR</b>margin", f"{invoices[0][1]:,} EUR</b>"):
        assert figure in page
    assert f"Without a price: {unpriced:,} lines" in page
    assert len(page.encode()) <= 300_000
    assert f"{unpriced:,} lines have no price, such as " in output
    assert re.search(rf"^{last} .* {storage:,.1f} ", output, re.MULTILINE), "production, as on the page"
    (tenants,) = re.findall(r">([\d,]+)</b>tenants with usage", page)
    assert re.search(rf"^{last} +[\d,]+ +{tenants} ", output, re.MULTILINE), "as many as on the page"


def test_demo__month_closed_since_the_demo_before__stays_and_others_load(
    demo: RunningDemo, tmp_path: Path, site_packages: Path
) -> None:
    # Without Dagster's history, which the running demo writes.
    of_demo_before = demo.warehouse.path.parent
    shutil.copytree(of_demo_before, tmp_path / "data" / "demo", ignore=shutil.ignore_patterns("dagster"))
    last = BillingPeriod.last_complete()
    close_period(WarehouseFile(tmp_path / "data" / "demo"), last, forced=True)

    done = subprocess.run(
        [sys.executable, "-m", "billing_pipeline", "demo"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(site_packages), "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, errors(done.stderr)) == (0, [])
    assert f"{last} is closed, so it stays as it is.\n" in done.stdout
    assert f"{last.previous()}  loaded" in done.stdout
    assert "equal the sandbox's own count" in done.stdout


@pytest.mark.browser
def test_demo_ui__month_materialised_and_sigterm__succeeds_and_ends(demo: RunningDemo, page: Page) -> None:
    last = BillingPeriod.last_complete()
    page.goto(f"{demo.url}/asset-groups")
    for name in ("report_request", "usage", "billable_usage", "charges", "month_report"):
        expect(page.get_by_text(name, exact=True).first).to_be_visible()
    page.goto(f"{demo.url}/assets/charges?view=partitions&partition={last}")
    expect(page.get_by_text("revenue_EUR").first).to_be_visible()
    page.goto(f"{demo.url}/asset-groups")
    page.get_by_role("button", name="Materialize all").click()
    partitions = page.get_by_placeholder(f"ex: {last.previous().previous()}")
    partitions.fill(last.key)
    partitions.press("Enter")
    with page.expect_response(_launches_run) as answer:
        page.get_by_role("button", name="Launch 1 run").click()
    run_id = answer.value.json()["data"]["launchPipelineExecution"]["run"]["id"]
    page.goto(f"{demo.url}/runs/{run_id}")
    expect(page.get_by_text("Success", exact=True).first).to_be_visible(timeout=120_000)
    with demo.warehouse.reading() as warehouse:
        loads = warehouse.execute(
            "SELECT count(*) FROM load_history WHERE run_id = $run AND billing_period = $month"
            " AND outcome = 'loaded'",
            {"run": run_id, "month": last.start},
        ).fetchone()
    assert loads == (1,)

    children = psutil.Process(demo.process.pid).children(recursive=True)
    demo.process.terminate()
    assert demo.process.wait(60) == 0
    _, alive = psutil.wait_procs(children, timeout=60)
    assert not alive


def _launches_run(answer: Response) -> bool:
    return "launchPipelineExecution" in (answer.request.post_data or "")
