"""`billing-pipeline check`: what it finds, what it never shows, and what it leaves alone."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from billing_pipeline.sandbox.distributor import Tenant
from billing_pipeline_tests.faults.sandbox import FaultySandbox
from billing_pipeline_tests.harness.command_line import CliHarness, warnings_and_errors
from billing_pipeline_tests.harness.processes import free_port

TRY = ("--period", "2026-09", "--try")


def lines(done: subprocess.CompletedProcess[str]) -> dict[str, tuple[str, str]]:
    """Verdict and text by subject; a subject occurs once, or its last line counts."""
    assert "Traceback" not in done.stderr, done.stderr
    found = {}
    for line in done.stdout.splitlines()[:-1]:
        verdict, rest = line.split(None, 1)
        assert verdict in {"ok", "warning", "failed"}, line
        subject, text = rest.split(": ", 1)
        found[subject] = verdict, text
    return found


def failed(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [subject for subject, (verdict, _) in lines(done).items() if verdict == "failed"]


def files_below(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def every_tenant(tenant: Tenant) -> Iterator[Tenant]:
    yield tenant
    for child in tenant.children:
        yield from every_tenant(child)


def assert_no_customer(sandbox: FaultySandbox, done: subprocess.CompletedProcess[str]) -> None:
    """No name of a tenant is in the output, but the root's, as in any month of a year."""
    root = sandbox.distributor.root
    months = range(2026 * 12, 2027 * 12)
    names = {each.name(month) for each in every_tenant(root) if each is not root for month in months}
    assert len(names) > 5
    assert [name for name in names if name in done.stdout + done.stderr] == []


def test_check__settings_of_a_sandbox__one_ok_line_each(cli: CliHarness, sandbox: FaultySandbox) -> None:
    done = cli.command("check")

    assert done.returncode == 0, done.stdout
    assert warnings_and_errors(done.stderr) == []
    found = lines(done)
    assert {verdict for verdict, _ in found.values()} == {"ok"}
    assert done.stdout.splitlines()[-1] == "0 failed, 0 warnings"
    assert found["ACRONIS_BASE_URL"] == ("ok", f"{sandbox.base_url}/api/2 (environment)")
    assert found["ACRONIS_REPORT_LEVEL"] == ("ok", "direct_partners (default)")
    assert found["ACRONIS_TENANT_ID"] == ("ok", "not set (default)")
    assert found["BILLING_WAREHOUSE"] == ("ok", "file (default)")
    root = sandbox.distributor.root
    name = root.name(2026 * 12)
    assert found["tenant"] == ("ok", f"{root.id} (the API client's own), {name!r}, partner")
    assert found["token"] == ("ok", f"obtained from {sandbox.base_url}/api/2")
    assert "0 reports" in found["reports"][1]
    assert "of the server's" in found["clock"][1].replace("behind", "ahead of")
    assert "nothing is loaded yet" in found["warehouse"][1]
    assert f"{cli.data_dir}: will be made in {cli.data_dir.parent}, " in found["data folder"][1]
    assert "is off" in found["schedule"][1]
    for package in ("billing-pipeline ", "dagster ", "duckdb ", "Python "):
        assert package in found["versions"][1]
    assert sandbox.reports_created == 0
    assert list(cli.data_dir.parent.iterdir()) == []


def test_check__env_file__source_of_each_setting(cli: CliHarness, tmp_path: Path) -> None:
    path = tmp_path / "my.env"
    path.write_text("ACRONIS_REPORT_LEVEL=accounts\nACRONIS_SHOW_SKUS=false\nBILLING_OPEN_REPORTS=3\n")

    done = cli.command(
        "check",
        settings={"BILLING_ENV_FILE": str(path), "ACRONIS_SHOW_SKUS": "true", "BILLING_ACCOUNTS": " "},
    )

    found = lines(done)
    assert found["settings file"] == ("ok", f"{path} (BILLING_ENV_FILE names it)")
    assert found["ACRONIS_REPORT_LEVEL"] == ("ok", "accounts (my.env)")
    assert found["ACRONIS_SHOW_SKUS"] == ("ok", "true (environment)")
    assert found["BILLING_OPEN_REPORTS"] == ("ok", "3 (my.env)")
    assert found["BILLING_ACCOUNTS"] == ("ok", "default (default)")


def test_check__env_file_unreadable__failed(cli: CliHarness, tmp_path: Path) -> None:
    path = tmp_path / "my.env"
    path.write_bytes(b"\xff\xfe")

    done = cli.command("check", settings={"BILLING_ENV_FILE": str(path)})

    assert done.returncode == 1
    assert "is not text in UTF-8" in lines(done)["settings"][1]


def test_check__secrets_of_every_kind__are_hidden(cli: CliHarness, sandbox: FaultySandbox) -> None:
    secret = "p4ssw0rd-of-the-lake"
    settings = {
        "BILLING_WAREHOUSE": f"ducklake:postgres:host=127.0.0.1 port=1 user=u password={secret} dbname=d",
        "PGPASSWORD": secret,
        "AWS_ACCESS_KEY_ID": secret,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_SESSION_TOKEN": secret,
        "HTTPS_PROXY": f"http://user:{secret}@proxy.example",
    }

    done = cli.command("check", settings=settings)

    found = lines(done)
    for name in ("BILLING_WAREHOUSE", "PGPASSWORD", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        assert found[name] == ("ok", "hidden (environment)")
    assert "HTTPS_PROXY" in found["environment"][1]
    assert found["ACRONIS_CLIENT_SECRET"] == ("ok", "hidden (environment)")
    assert found["ACRONIS_CLIENT_ID"] == ("ok", f"{sandbox.client_id[:8]}… (environment)")
    output = done.stdout + done.stderr
    assert not [each for each in (secret, sandbox.client_secret, sandbox.client_id) if each in output]


def test_check__id_and_secret_confused__secret_not_shown(cli: CliHarness, sandbox: FaultySandbox) -> None:
    settings = {"ACRONIS_CLIENT_ID": sandbox.client_secret, "ACRONIS_CLIENT_SECRET": sandbox.client_id}

    done = cli.command("check", settings=settings)

    assert done.returncode == 1
    assert lines(done)["ACRONIS_CLIENT_ID"][1].startswith("hidden, because it is not a UUID")
    assert failed(done) == ["token"]
    assert sandbox.client_secret not in done.stdout + done.stderr


def test_check__wrong_secret__token_failed_and_report_not_requested(
    cli: CliHarness, sandbox: FaultySandbox
) -> None:
    done = cli.command("check", *TRY, settings={"ACRONIS_CLIENT_SECRET": "wr0ng-secret"})

    assert done.returncode == 1
    assert failed(done) == ["token", "report"]
    assert "Check ACRONIS_CLIENT_ID and ACRONIS_CLIENT_SECRET" in lines(done)["token"][1]
    assert "wr0ng-secret" not in done.stdout + done.stderr
    assert sandbox.reports_created == 0


@pytest.mark.parametrize("fault", ["token_echo"])
def test_check__server_echoes_the_secret__redacted(
    cli: CliHarness, sandbox: FaultySandbox, fault: str
) -> None:
    sandbox.set_faults(fault)

    done = cli.command("check")

    assert failed(done) == ["token"]
    assert "[redacted]" in done.stdout
    assert sandbox.client_secret not in done.stdout + done.stderr


def test_check__nothing_at_the_url__token_failed(cli: CliHarness) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    done = cli.command("check", settings={"ACRONIS_BASE_URL": f"http://127.0.0.1:{port}"})

    assert done.returncode == 1
    assert failed(done) == ["token"]
    assert "connection refused (check ACRONIS_BASE_URL)" in lines(done)["token"][1]
    assert lines(done)["warehouse"][0] == "ok"


def test_check__url_of_a_portal__names_the_page(cli: CliHarness, sandbox: FaultySandbox) -> None:
    sandbox.set_faults({"route": "any", "fault": {"type": "answer", "status": 200, "login_page": True}})

    done = cli.command("check")

    assert failed(done) == ["token"]


def test_check__bad_and_missing_settings__named_with_what_was_found(cli: CliHarness) -> None:
    settings = {
        "ACRONIS_BASE_URL": "http://eu2-cloud.example",
        "ACRONIS_CLIENT_SECRET": None,
        "BILLING_OPEN_REPORTS": "many",
    }

    done = cli.command("check", settings=settings)

    assert done.returncode == 1
    pipeline, account = [line for line in done.stdout.splitlines() if line.startswith("failed")]
    assert "BILLING_OPEN_REPORTS (" in pipeline
    assert "Found: BILLING_DATA_DIR (environment), BILLING_OPEN_REPORTS (environment)" in pipeline
    assert "ACRONIS_BASE_URL (" in account
    assert "ACRONIS_CLIENT_SECRET is not set" in account
    assert "Found: ACRONIS_BASE_URL (environment), ACRONIS_CLIENT_ID (environment)" in account
    assert "eu2-cloud.example" not in done.stdout
    assert "many" not in done.stdout


def test_check__misspelt_settings__warned_about(cli: CliHarness) -> None:
    done = cli.command("check", settings={"BILLING_CROSSCHECK": "off", "ACRONIS_EU_BASE_URL": "https://x"})

    assert done.returncode == 0
    verdict, text = lines(done)["settings"]
    assert verdict == "warning"
    assert "nothing reads ACRONIS_EU_BASE_URL (environment), perhaps ACRONIS_BASE_URL, BILLING_" in text
    assert "BILLING_CROSSCHECK (environment), perhaps BILLING_CROSS_CHECK" in text


@pytest.mark.parametrize(
    ("setting", "value", "subject", "text"),
    [
        (
            "ACRONIS_REPORT_KIND",
            "usage_current",
            "report kind",
            "can hardly ever load a month that has ended",
        ),
        ("ACRONIS_REPORT_KIND", "usage_daily", "report kind", "may all be 0"),
        ("ACRONIS_REPORT_LEVEL", "all_partners", "report level", "has no billable usage"),
    ],
)
def test_check__setting_that_hardly_fits__warned_about(
    cli: CliHarness, setting: str, value: str, subject: str, text: str
) -> None:
    done = cli.command("check", settings={setting: value})

    assert done.returncode == 0
    verdict, found = lines(done)[subject]
    assert verdict == "warning"
    assert text in found
    assert f"Set {setting}" in found


@pytest.mark.parametrize(
    ("route", "subject", "verdict"),
    [
        ("client", "API client", "failed"),
        ("tenant", "tenant", "warning"),
        ("tenant_reports", "reports", "failed"),
    ],
)
def test_check__403__says_what_the_client_may_not(
    cli: CliHarness, sandbox: FaultySandbox, *, route: str, subject: str, verdict: str
) -> None:
    sandbox.set_faults({"route": route, "fault": {"type": "answer", "status": 403, "error": "Access denied"}})

    done = cli.command("check")

    found = lines(done)
    assert found["token"][0] == "ok"
    assert found[subject][0] == verdict
    assert "answered 403 Forbidden: Access denied" in found[subject][1]
    assert done.returncode == (1 if verdict == "failed" else 0)
    assert {each for each, (how, _) in found.items() if how != "ok"} == {subject}


def test_check__tenant_outside__failed(cli: CliHarness) -> None:
    done = cli.command("check", settings={"ACRONIS_TENANT_ID": "10000000-0000-4000-8000-000000000009"})

    assert done.returncode == 1
    assert failed(done) == ["reports"]
    assert lines(done)["tenant"][0] == "warning"


def test_check__customer_as_tenant__name_hidden_and_level_advised(
    cli: CliHarness, sandbox: FaultySandbox
) -> None:
    customer = next(each for each in every_tenant(sandbox.distributor.root) if each.kind == "customer")

    done = cli.command("check", settings={"ACRONIS_TENANT_ID": customer.id})
    itself = cli.command(
        "check", settings={"ACRONIS_TENANT_ID": customer.id, "ACRONIS_REPORT_LEVEL": "itself"}
    )

    verdict, text = lines(done)["tenant"]
    assert verdict == "warning"
    assert text.startswith(f"{customer.id} (ACRONIS_TENANT_ID), name hidden")
    assert "Set ACRONIS_REPORT_LEVEL=itself" in text
    assert lines(itself)["tenant"][0] == "ok"
    assert_no_customer(sandbox, done)


@pytest.mark.parametrize(("hours", "where"), [(1, "behind"), (-1, "ahead of")])
def test_check__server_clock_an_hour_off__warned_about(cli: CliHarness, hours: int, where: str) -> None:
    with FaultySandbox(tenants=1, now=lambda: datetime.now(UTC) + timedelta(hours=hours)) as sandbox:
        done = cli.command("check", settings={"ACRONIS_BASE_URL": sandbox.base_url})

    assert done.returncode == 0
    verdict, text = lines(done)["clock"]
    assert verdict == "warning"
    seconds = int(text.removeprefix("this machine's clock is ").split(" s ")[0].replace(",", ""))
    assert 3500 < seconds < 3700
    assert f" s {where} the server's" in text


def test_check__data_folder_not_writable__failed(cli: CliHarness) -> None:
    cli.data_dir.mkdir(0o555)

    done = cli.command_without_root_rights("check")

    cli.data_dir.chmod(0o755)
    assert done.returncode == 1
    assert failed(done) == ["data folder"]
    text = lines(done)["data folder"][1]
    assert "Permission denied" in text
    assert "correct the permissions below BILLING_DATA_DIR" in text


def test_check__warehouse_damaged__failed(cli: CliHarness) -> None:
    cli.data_dir.mkdir()
    (cli.data_dir / "warehouse.duckdb").write_bytes(b"garbage" * 1000)

    done = cli.command("check")

    assert failed(done) == ["warehouse"]
    assert "move it away" in lines(done)["warehouse"][1]


@pytest.mark.slow
def test_check__loaded_and_closed_months__counted(cli: CliHarness) -> None:
    for period in ("2026-08", "2026-09"):
        assert cli.command("run", "--period", period).returncode == 0
    assert cli.command("close", "--period", "2026-08").returncode == 0

    done = cli.command("check", settings={"BILLING_DELTA_ITEMS": "compute_points"})

    found = lines(done)
    assert found["warehouse"][1].startswith(
        f"{cli.data_dir}/warehouse.duckdb: 2 months loaded, 1 closed, the last is 2026-09; last load "
    )
    assert found["delta items"][1].startswith("2 months were loaded under another rule than")
    assert found["data folder"][1].startswith(f"{cli.data_dir}: writable, ")
    assert "2 reports" in found["reports"][1]


@pytest.mark.slow
def test_check__schedule_switched_on__on_and_daemon_missing(cli: CliHarness) -> None:
    assert cli.command("run", "--period", "2026-09").returncode == 0
    off = lines(cli.command("check"))["schedule"]
    switched = subprocess.run(
        [
            *(Path(sys.executable).with_name("dagster"), "schedule", "start", "monthly_usage_schedule"),
            *("-m", "billing_pipeline.definitions"),
        ],
        env=cli.environment | {"DAGSTER_HOME": str(cli.data_dir / "dagster")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert switched.returncode == 0, switched.stderr

    on = lines(cli.command("check"))["schedule"]

    assert off[0] == "ok"
    assert off[1].startswith("monthly_usage_schedule is off; use cron")
    assert on[0] == "warning"
    assert on[1].startswith("monthly_usage_schedule is on, but Dagster's daemon was not seen")


@pytest.mark.slow
def test_check__history_of_dagster_damaged__failed(cli: CliHarness) -> None:
    assert cli.command("run", "--period", "2026-09").returncode == 0
    for path in (cli.data_dir / "dagster").rglob("*.db"):
        path.write_bytes(b"garbage" * 1000)

    done = cli.command("check")

    assert failed(done) == ["schedule"]


def test_check__two_accounts__lines_of_each(cli: CliHarness, sandbox: FaultySandbox) -> None:
    settings = {
        "BILLING_ACCOUNTS": "default,us",
        "ACRONIS_US_BASE_URL": sandbox.base_url,
        "ACRONIS_US_CLIENT_ID": sandbox.client_id,
        "ACRONIS_US_CLIENT_SECRET": "another",
        "ACRONIS_US_REPORT_LEVEL": "accounts",
    }

    done = cli.command("check", settings=settings)

    found = lines(done)
    assert found["ACRONIS_US_REPORT_LEVEL"] == ("ok", "accounts (environment)")
    assert "settings" not in found
    assert found["token"][0] == "ok"
    assert failed(done) == ["token of account us"]
    assert "Check ACRONIS_US_CLIENT_ID and ACRONIS_US_CLIENT_SECRET" in found["token of account us"][1]

    tried = cli.command("check", *TRY, settings=settings | {"BILLING_ACCOUNTS": "us"})
    assert failed(tried) == ["token of account us", "report of account us"]


def test_check__named_account__advice_names_its_settings(cli: CliHarness, sandbox: FaultySandbox) -> None:
    customer = next(each for each in every_tenant(sandbox.distributor.root) if each.kind == "customer")
    settings = {
        "BILLING_ACCOUNTS": "eu,us",
        "ACRONIS_EU_BASE_URL": sandbox.base_url,
        "ACRONIS_EU_CLIENT_ID": sandbox.client_id,
        "ACRONIS_EU_CLIENT_SECRET": sandbox.client_secret,
        "ACRONIS_EU_TENANT_ID": customer.id,
        "ACRONIS_US_BASE_URL": f"http://127.0.0.1:{free_port()}",
        "ACRONIS_US_CLIENT_ID": "id",
        "ACRONIS_US_CLIENT_SECRET": "secret",
    }

    found = lines(cli.command("check", settings=settings))

    _, tenant = found["tenant of account eu"]
    assert "(ACRONIS_EU_TENANT_ID)" in tenant
    assert "Set ACRONIS_EU_REPORT_LEVEL=itself, or ACRONIS_EU_TENANT_ID to your own tenant." in tenant
    assert "(check ACRONIS_US_BASE_URL)" in found["token of account us"][1]


@pytest.mark.slow
def test_check_try__month_loaded_before__changes_neither_state_nor_warehouse(
    cli: CliHarness, sandbox: FaultySandbox
) -> None:
    assert cli.command("run", "--period", "2026-09").returncode == 0
    loaded = cli.query("SELECT count(*) AS row_count, count(DISTINCT tenant_id) AS tenants FROM usage")[0]
    kinds = cli.query(
        "SELECT if(tenant_id = root_tenant_id, 'the report''s own tenant', tenant_kind) AS tenant_kind,"
        " count(*) AS found FROM usage GROUP BY 1 ORDER BY 1"
    )
    before = {path: text for path, text in files_below(cli.data_dir).items() if "dagster" not in path.parts}

    done = cli.command("check", *TRY)

    assert done.returncode == 0, done.stdout
    after = {path: text for path, text in files_below(cli.data_dir).items() if "dagster" not in path.parts}
    assert after == before
    found = lines(done)
    assert found["load"] == ("ok", f"{loaded['row_count']:,} rows would load, and every check passes")
    assert found["layout"] == ("ok", "json_v2_0 is flat, an element for each row, nested keys")
    assert found["fields"] == ("ok", "every field of json_v2_0 has a column")
    levels = [part.split(":")[0] for part in found["levels"][1].split("; ")]
    assert levels == [kind["tenant_kind"] for kind in kinds]
    for kind in kinds:
        assert f"{kind['found']:,} rows" in found["levels"][1]
    assert sandbox.reports_created == 2
    assert_no_customer(sandbox, done)


def test_check_try__nothing_there_yet__makes_no_data_folder(cli: CliHarness, tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()

    done = cli.command("check", *TRY, settings={"TMPDIR": str(temporary)})

    assert done.returncode == 0, done.stdout
    assert not cli.data_dir.exists()
    assert list(temporary.iterdir()) == []


def test_check_try__grouped_report__names_the_list(cli: CliHarness) -> None:
    with FaultySandbox(tenants=4, ready_after_seconds=0.2, json_layout="grouped") as sandbox:
        done = cli.command("check", *TRY, settings={"ACRONIS_BASE_URL": sandbox.base_url})

    assert done.returncode == 0, done.stdout
    assert lines(done)["layout"][1].startswith("json_v2_0 is grouped, the rows of an element in '")


def test_check_try__level_itself__own_tenant_only(cli: CliHarness) -> None:
    done = cli.command("check", *TRY, settings={"ACRONIS_REPORT_LEVEL": "itself"})

    assert lines(done)["levels"][1].startswith("the report's own tenant: 1 tenants, ")


@pytest.mark.parametrize(
    ("how", "subject", "text"),
    [
        ("unknown_nesting", "layout", "its keys are groups. "),
        ("names_as_keys", "layout", "its keys are others that do not look like"),
        ("renamed_tenants", "layout", "its keys are params, rows. "),
        ("lists_of_rows", "layout", "its keys are none. "),
        ("unknown_layout", "layout", "not known at row "),
        ("names_as_dates", "layout", "not known at row 1; its keys are application.id, "),
        ("unknown_ids", "layout", "not known at row 1, tenant.id; its keys are application.id, "),
        ("unknown_ids", "load", "with the warnings json_layout"),
        ("name_as_measure", "load", "is refused at row "),
        ("unknown_field", "fields", "kept in `extra`: discount"),
        ("unknown_field", "load", "unknown_fields"),
        ("repeated_row", "load", "the checks "),
        ("boolean_measure", "load", "is refused at row "),
        ("bad_uuid", "load", "is refused at row "),
        ("not_utf8", "load", "is refused"),
        ("truncated", "report", "it does not end as a JSON object"),
    ],
)
def test_check_try__report_with_a_fault__says_which_without_a_name(
    cli: CliHarness, sandbox: FaultySandbox, *, how: str, subject: str, text: str
) -> None:
    sandbox.set_faults({"route": "download", "format": "json_v2_0", "fault": {"type": "content", "how": how}})

    done = cli.command("check", *TRY)

    verdict, found = lines(done)[subject]
    assert verdict != "ok"
    assert text in found
    assert_no_customer(sandbox, done)
    assert not (cli.data_dir / "requests").exists()


def test_check_try__creating_refused__failed(cli: CliHarness, sandbox: FaultySandbox) -> None:
    sandbox.set_faults({"route": "create_report", "fault": {"type": "answer", "status": 403, "error": "no"}})

    done = cli.command("check", *TRY)

    assert done.returncode == 1
    assert failed(done) == ["report"]
    assert "administrator role" in lines(done)["report"][1]


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("--period", "2026-09"), 2, "--period is the period of the report of --try"),
        (("--period", "2999-01", "--try"), 1, "the period has not ended"),
    ],
)
def test_check__period_that_cannot_be__named_before_anything_is_sent(
    cli: CliHarness, sandbox: FaultySandbox, *, arguments: tuple[str, ...], status: int, message: str
) -> None:
    done = cli.command("check", *arguments)

    assert done.returncode == status
    assert done.stdout == ""
    assert message in done.stderr
    assert sandbox.requests == []
