"""Several API clients in one configuration, each with a data centre of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import dagster as dg
import pytest

from billing_pipeline.definitions import build_defs
from billing_pipeline.orchestration.settings import Settings
from billing_pipeline.settings import PipelineSettings
from billing_pipeline_tests.end_to_end.test_run import sandbox_totals
from billing_pipeline_tests.faults.sandbox import FaultySandbox
from billing_pipeline_tests.harness.command_line import CliHarness, errors
from billing_pipeline_tests.harness.processes import run_command

pytestmark = pytest.mark.slow

PERIOD = "2026-09"


@pytest.fixture
def overseas() -> Iterator[FaultySandbox]:
    """The data centre of the second account, which has another distributor."""
    with FaultySandbox(
        tenants=5, seed=7, ready_after_seconds=0.2, client_id="7b1a6d0e-5c0f-4a53-9a55-0b7d8c3c6a10"
    ) as running:
        yield running


@pytest.fixture
def accounts(cli: CliHarness, sandbox: FaultySandbox, overseas: FaultySandbox) -> CliHarness:
    """The accounts `eu` and `us`."""
    plain = ("ACRONIS_BASE_URL", "ACRONIS_CLIENT_ID", "ACRONIS_CLIENT_SECRET")
    cli.environment |= {name.replace("_", "_EU_", 1): cli.environment.pop(name) for name in plain}
    cli.environment |= {
        "BILLING_ACCOUNTS": "eu, us",
        "ACRONIS_US_BASE_URL": overseas.base_url,
        "ACRONIS_US_CLIENT_ID": overseas.client_id,
        "ACRONIS_US_CLIENT_SECRET": overseas.client_secret,
    }
    return cli


def rows_by_account(cli: CliHarness) -> Mapping[str, int]:
    found = cli.query(
        "SELECT account, count(*) AS n, count(DISTINCT root_tenant_id) AS roots FROM usage GROUP BY 1"
    )
    assert all(each["roots"] == 1 for each in found)
    return {each["account"]: each["n"] for each in found}


def test_run__two_accounts__loads_the_period_for_each(
    accounts: CliHarness, sandbox: FaultySandbox, overseas: FaultySandbox
) -> None:
    done = accounts.command("run", "--period", PERIOD)

    assert done.returncode == 0, done.stderr
    assert rows_by_account(accounts) == {
        "eu": sandbox_totals(sandbox, PERIOD)["rows"],
        "us": sandbox_totals(overseas, PERIOD)["rows"],
    }
    assert (sandbox.reports_created, overseas.reports_created) == (1, 1)
    assert f"{PERIOD} eu  loaded, " in done.stdout
    assert len(list((accounts.data_dir / "accounts").glob(f"*/raw/{PERIOD}/*/manifest.json"))) == 2
    states = [line.split()[:3] for line in accounts.command("status").stdout.splitlines()[2:4]]
    assert states == [[PERIOD, "eu", "loaded"], [PERIOD, "us", "loaded"]]
    with dg.DagsterInstance.from_config(str(accounts.data_dir / "dagster")) as instance:
        for account in ("eu", "us"):
            key = dg.AssetKey([account, "usage"])
            assert instance.get_materialized_partitions(key) == {PERIOD}


def log_pages(log: Path) -> None:
    """Append the name of each page that this process writes to a file."""

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event == "os.rename" and str(arguments[1]).endswith(".html"):
            with log.open("a") as file:
                print(Path(str(arguments[1])).name, file=file)

    sys.addaudithook(hook)


@pytest.mark.parametrize("fault", [None, {"use": "json_nan", "first_reports": 1}], ids=["loaded", "refused"])
def test_run__two_accounts__writes_the_page_once(
    accounts: CliHarness, overseas: FaultySandbox, tmp_path: Path, fault: dict[str, Any] | None
) -> None:
    if fault:
        overseas.set_faults(fault)
    log = tmp_path / "pages"

    done = run_command(["run", "--period", PERIOD], accounts.environment, prepare=partial(log_pages, log))

    assert done.returncode == (1 if fault else 0), done.stderr
    assert log.read_text().split() == [f"{PERIOD}.html", "index.html"]
    page = (accounts.data_dir / "reports" / f"{PERIOD}.html").read_text()
    assert ("Account us" in page, "Account eu" in page) == ((False, False) if fault else (True, True))


def test_run__one_account_refused__loads_the_other(
    accounts: CliHarness, sandbox: FaultySandbox, overseas: FaultySandbox
) -> None:
    overseas.set_faults({"use": "json_nan", "first_reports": 1})

    done = accounts.command("run", "--period", PERIOD)

    assert done.returncode == 1
    (message,) = errors(done.stderr)
    assert f"account us, period {PERIOD}, report " in message
    assert set(rows_by_account(accounts)) == {"eu"}

    again = accounts.command("run", "--period", PERIOD, "--account", "us")

    assert again.returncode == 0, again.stderr
    assert set(rows_by_account(accounts)) == {"eu", "us"}
    assert (sandbox.reports_created, overseas.reports_created) == (1, 2)


def test_run__one_client_rejected__loads_the_other(accounts: CliHarness, overseas: FaultySandbox) -> None:
    done = accounts.command("run", "--period", PERIOD, settings={"ACRONIS_EU_CLIENT_SECRET": "wrong"})

    assert done.returncode == 1
    (message,) = errors(done.stderr)
    assert "account eu: " in message
    assert "Check ACRONIS_EU_CLIENT_ID and ACRONIS_EU_CLIENT_SECRET" in message
    assert "data centre in ACRONIS_EU_BASE_URL" in message
    assert rows_by_account(accounts) == {"us": sandbox_totals(overseas, PERIOD)["rows"]}


@pytest.mark.parametrize(
    ("arguments", "settings", "said"),
    [
        ([], {"ACRONIS_US_CLIENT_ID": None}, "ACRONIS_US_CLIENT_ID is not set (id of the API client)"),
        ([], {"ACRONIS_US_BASE_URL": "http://example.com"}, "ACRONIS_US_BASE_URL"),
        ([], {"ACRONIS_US_REPORT_LEVEL": "none"}, "ACRONIS_US_REPORT_LEVEL (level of the report)"),
        ([], {"ACRONIS_REPORT_LEVEL": "none"}, "ACRONIS_REPORT_LEVEL (level of the report)"),
        ([], {"BILLING_ACCOUNTS": "eu,EU"}, "BILLING_ACCOUNTS (names of the accounts"),
        ([], {"BILLING_ACCOUNTS": "eu,eu"}, "duplicate account name"),
        ([], {"ACRONIS_TENANT_ID": str(UUID(int=1))}, "ACRONIS_TENANT_ID is set, which none of"),
        (["--account", "asia"], {}, "there is no account asia. BILLING_ACCOUNTS names eu, us"),
    ],
)
def test_run__bad_account_setting__is_named_and_nothing_is_sent(
    accounts: CliHarness,
    overseas: FaultySandbox,
    arguments: list[str],
    settings: dict[str, str | None],
    said: str,
) -> None:
    done = accounts.command("run", "--period", PERIOD, *arguments, settings=settings)

    assert done.returncode == 1
    (message,) = errors(done.stderr)
    assert said in message
    assert not overseas.requests
    assert not accounts.data_dir.exists()


def test_run__level_set_for_one_account__requests_both_levels(
    accounts: CliHarness, sandbox: FaultySandbox, overseas: FaultySandbox
) -> None:
    settings: dict[str, str | None] = {
        "ACRONIS_REPORT_LEVEL": "all_customers",
        "ACRONIS_US_REPORT_LEVEL": "direct_partners",
    }

    done = accounts.command("run", "--period", PERIOD, settings=settings)

    assert done.returncode == 0, done.stderr
    levels = accounts.query("SELECT account, report_level FROM loaded_report ORDER BY account")
    assert [tuple(level.values()) for level in levels] == [("eu", "all_customers"), ("us", "direct_partners")]


def test_run__account_added_to_unnamed_one__loads_both(
    cli: CliHarness, sandbox: FaultySandbox, overseas: FaultySandbox
) -> None:
    first = cli.command("run", "--period", PERIOD)
    cli.environment |= {
        "BILLING_ACCOUNTS": "default,us",
        "ACRONIS_US_BASE_URL": overseas.base_url,
        "ACRONIS_US_CLIENT_ID": overseas.client_id,
        "ACRONIS_US_CLIENT_SECRET": overseas.client_secret,
    }

    second = cli.command("run", "--period", PERIOD, "--account", "us")
    replayed = cli.command("run", "--period", PERIOD, "--replay")

    assert (first.returncode, second.returncode, replayed.returncode) == (0, 0, 0), second.stderr
    assert set(rows_by_account(cli)) == {"default", "us"}
    assert (sandbox.reports_created, overseas.reports_created) == (1, 1)
    page = (cli.data_dir / "reports" / f"{PERIOD}.html").read_text()
    for account, its_sandbox in (("default", sandbox), ("us", overseas)):
        assert f"Account {account} · Tenant {its_sandbox.tenant_id}" in page


def test_schedule__two_accounts__launches_a_run_for_each() -> None:
    defs = build_defs(Settings(PipelineSettings(accounts=("default", "us"))))
    schedule = defs.resolve_schedule_def("monthly_usage_schedule")

    result = schedule.evaluate_tick(
        dg.build_schedule_context(
            scheduled_execution_time=datetime(2026, 10, 2, 7, tzinfo=UTC),
            repository_def=defs.get_repository_def(),
        )
    )

    requests = result.run_requests or []
    assert [request.partition_key for request in requests] == [PERIOD, PERIOD]
    assert len({request.run_key for request in requests}) == 2
    selected = [{key.to_user_string() for key in request.asset_selection or []} for request in requests]
    names = {"report_request", "stored_report", "raw_report", "usage"}
    shared = {"prices", "billable_usage", "sku_totals", "charges", "month_report"}
    assert selected == [names | shared, {f"us/{name}" for name in names} | shared]
