"""Settings from the environment and `.env`: what is tolerated, and the message about what is not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from billing_pipeline.cli import main as billing_pipeline
from billing_pipeline.errors import SettingsError
from billing_pipeline.settings import AccountSettings, LakeSettings, PipelineSettings
from billing_pipeline.settings.environment import ENV_FILE
from billing_pipeline_tests.faults.sandbox import FaultySandbox
from billing_pipeline_tests.harness.command_line import CliHarness, errors

PERIOD = "2026-09"
CLIENT = ("ACRONIS_BASE_URL", "ACRONIS_CLIENT_ID", "ACRONIS_CLIENT_SECRET")


def use_named_account(cli: CliHarness) -> None:
    settings = cli.environment
    settings["BILLING_ACCOUNTS"] = "eu"
    settings |= {name.replace("_", "_EU_", 1): settings.pop(name) for name in CLIENT}


@pytest.mark.slow
@pytest.mark.parametrize("named", [False, True])
def test_settings__blanks_at_the_ends__are_removed(
    cli: CliHarness, sandbox: FaultySandbox, named: bool
) -> None:
    if named:
        use_named_account(cli)
    cli.environment |= {"ACRONIS_SHOW_SKUS": "true", "BILLING_WAREHOUSE": "file"}
    for name, value in cli.environment.items():
        if name.startswith(("ACRONIS_", "BILLING_")):
            cli.environment[name] = f" {value} \n"
    sandbox.set_faults("token_echo")

    echoed = cli.command("run", "--period", PERIOD)
    sandbox.set_faults()
    done = cli.command("run", "--period", PERIOD)

    assert "[redacted]" in echoed.stderr
    assert sandbox.client_secret not in echoed.stderr
    assert done.returncode == 0, done.stderr
    assert (cli.data_dir / "warehouse.duckdb").exists()
    assert list(cli.data_dir.parent.iterdir()) == [cli.data_dir]


def test_settings__blank_secret__counts_as_missing(cli: CliHarness) -> None:
    use_named_account(cli)

    done = cli.command("run", "--period", PERIOD, settings={"ACRONIS_EU_CLIENT_SECRET": " \n"})

    assert done.returncode == 1
    assert "ACRONIS_EU_CLIENT_SECRET is not set (secret of the API client)" in done.stderr


def test_settings__database_password_with_blanks__is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", " x ")

    password = LakeSettings.load().database_password

    assert password is not None
    assert password.get_secret_value() == " x "


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_env_file__not_utf_8__is_named(project: Path, encoding: str) -> None:
    content = "# Schlüssel\n" if encoding == "latin-1" else "ACRONIS_CLIENT_ID=x\n"
    (project / ".env").write_text(content, encoding=encoding)

    done = subprocess.run(
        [sys.executable, "-m", "billing_pipeline", "status"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    (message,) = errors(done.stderr)
    assert f"{project / '.env'} is not text in UTF-8. Save it as UTF-8." in message


def complaint(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], settings: dict[str, str]
) -> str:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert billing_pipeline(["status"]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    (message,) = errors(output.err)
    return message


@pytest.mark.parametrize("setting", ["BILLING_DATA_DIR", "BILLING_LAKE_DATA"])
@pytest.mark.parametrize(
    ("folder", "reason"),
    [
        ("~nosuchuser/x", "~nosuchuser/x cannot be resolved"),
        ("{}/loop", "loop"),
        ("{}/loop/below", "loop"),
        ("{}/file", "file is not a folder"),
        ("{}/file/below", "file is not a folder"),
        ("{}/back\\slash", "must not contain a backslash"),
    ],
)
def test_settings__impossible_folder__is_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    setting: str,
    folder: str,
    reason: str,
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    settings = {
        "BILLING_DATA_DIR": str(tmp_path / "data"),
        "BILLING_WAREHOUSE": "ducklake:postgres:dbname=lake",
        setting: folder.format(tmp_path),
    }

    message = complaint(monkeypatch, capsys, settings)

    assert setting in message
    assert reason in message
    assert {path.name for path in tmp_path.iterdir()} == {"file", "loop"}


@pytest.mark.parametrize("period", ["0001-01", "1999-12", "9999-12"])
def test_settings__first_period_out_of_range__is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], period: str
) -> None:
    message = complaint(monkeypatch, capsys, {"BILLING_FIRST_PERIOD": period})

    assert "BILLING_FIRST_PERIOD (first partition, YYYY-MM): must be from 2000-01" in message


@pytest.fixture
def env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `.env` file of the test's own, with the settings of one account."""
    path = tmp_path / "settings.env"
    path.write_text(
        "ACRONIS_BASE_URL=https://eu.example\nACRONIS_CLIENT_ID=file-client\nACRONIS_CLIENT_SECRET=file-secret\n"
    )
    monkeypatch.setenv(ENV_FILE, str(path))
    return path


@pytest.mark.parametrize("quote", ["", "'", '"'])
def test_env_file__reference_in_a_secret__is_not_expanded(env_file: Path, quote: str) -> None:
    with env_file.open("a") as file:
        file.write(f"ACRONIS_CLIENT_SECRET={quote}a${{HOME}}b$c{quote}\n")

    assert AccountSettings.load().client_secret.get_secret_value() == "a${HOME}b$c"


def test_env_file__byte_order_mark__is_not_part_of_the_first_name(env_file: Path) -> None:
    env_file.write_text(env_file.read_text(), encoding="utf-8-sig")

    assert AccountSettings.load().base_url == "https://eu.example/api/2"


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o400, False), (0o640, True), (0o604, True)])
@pytest.mark.parametrize("secret", ["s", ""])
def test_env_file__secret_readable_by_others__is_warned_about_once(
    env_file: Path, caplog: pytest.LogCaptureFixture, *, mode: int, warned: bool, secret: str
) -> None:
    env_file.write_text(f"BILLING_FIRST_PERIOD=2026-01\nACRONIS_EU_CLIENT_SECRET={secret}\n")
    env_file.chmod(mode)

    for _ in range(2):
        PipelineSettings.load()

    said = f"{env_file} holds secrets that other users can read: chmod 600 {env_file}"
    assert caplog.messages == [said] * (warned and bool(secret))


def test_environment__variable_set__wins_over_env_file(
    env_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACRONIS_CLIENT_ID", "own-client")

    assert AccountSettings.load().client_id == "own-client"


@pytest.mark.parametrize("blank", ["", " \n"])
def test_environment__blank_variable__does_not_hide_env_file(
    env_file: Path, monkeypatch: pytest.MonkeyPatch, blank: str
) -> None:
    monkeypatch.setenv("ACRONIS_CLIENT_ID", blank)

    assert AccountSettings.load().client_id == "file-client"


def test_account_settings__options_unset__fall_back_to_unprefixed(
    env_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in CLIENT:
        monkeypatch.setenv(name.replace("_", "_EU_", 1), "https://us.example")
    monkeypatch.setenv("ACRONIS_REPORT_LEVEL", "accounts")
    monkeypatch.setenv("ACRONIS_REPORT_KIND", "usage_daily")
    monkeypatch.setenv("ACRONIS_EU_REPORT_KIND", "usage_current")
    monkeypatch.setenv("ACRONIS_TENANT_ID", "10000000-0000-4000-8000-000000000009")

    settings = AccountSettings.load("eu", ("default", "eu"))

    assert (settings.report_level, settings.report_kind) == ("accounts", "usage_current")
    assert settings.tenant_id is None


def test_account_settings__credentials_unset__never_fall_back(env_file: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        AccountSettings.load("eu", ("default", "eu"))

    for name in CLIENT:
        assert f"{name.replace('_', '_EU_', 1)} is not set" in str(caught.value)


def test_settings__several_bad__all_named_and_no_value_shown(
    env_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = {
        "ACRONIS_BASE_URL": "https://user:shown@eu.example",
        "ACRONIS_TENANT_ID": "shown",
        "ACRONIS_SHOW_SKUS": "shown",
        "ACRONIS_CLIENT_SECRET": "'shown'",
        "ACRONIS_POLL_TIMEOUT_SECONDS": "shown",
    }
    for name, value in bad.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError) as caught:
        AccountSettings.load()

    message = str(caught.value)
    assert all(f"{name} (" in message for name in bad)
    assert "shown" not in message


@pytest.mark.parametrize("quote", ["'", '"'])
def test_settings__value_in_quotes__names_docker_env_file(
    monkeypatch: pytest.MonkeyPatch, quote: str
) -> None:
    monkeypatch.setenv("BILLING_DATA_DIR", f"{quote}data{quote}")
    monkeypatch.setenv("PGPASSWORD", f"{quote}kept{quote}")

    with pytest.raises(SettingsError, match=r"BILLING_DATA_DIR \(.*\): is in quotes, .*docker --env-file"):
        PipelineSettings.load()
    password = LakeSettings.load().database_password
    assert password is not None
    assert password.get_secret_value() == f"{quote}kept{quote}"
