"""Slips in the settings do no harm, and what cannot be right is named in one line before anything is done."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from billing_pipeline.cli import main as billing_pipeline
from billing_pipeline.sandbox import Sandbox
from billing_pipeline.settings import LakeSettings
from billing_pipeline_tests.conftest import Workplace

PERIOD = "2026-09"
CLIENT = ("ACRONIS_BASE_URL", "ACRONIS_CLIENT_ID", "ACRONIS_CLIENT_SECRET")


def name_the_account(workplace: Workplace) -> None:
    settings = workplace.environment
    settings["BILLING_ACCOUNTS"] = "eu"
    settings |= {name.replace("_", "_EU_", 1): settings.pop(name) for name in CLIENT}


@pytest.mark.parametrize("named", [False, True])
def test_blanks_at_the_ends_do_not_count(workplace: Workplace, sandbox: Sandbox, named: bool) -> None:
    if named:
        name_the_account(workplace)
    workplace.environment |= {"ACRONIS_SHOW_SKUS": "true", "BILLING_WAREHOUSE": "file"}
    for name, value in workplace.environment.items():
        if name.startswith(("ACRONIS_", "BILLING_")):
            workplace.environment[name] = f" {value} \n"
    sandbox.set_faults("token_echo")

    echoed = workplace.command("run", "--period", PERIOD)
    sandbox.set_faults()
    done = workplace.command("run", "--period", PERIOD)

    assert "[redacted]" in echoed.stderr
    assert sandbox.client_secret not in echoed.stderr
    assert done.returncode == 0, done.stderr
    assert (workplace.data_dir / "warehouse.duckdb").exists()
    assert list(workplace.data_dir.parent.iterdir()) == [workplace.data_dir]


def test_a_secret_of_blanks_is_missing(workplace: Workplace) -> None:
    name_the_account(workplace)

    done = workplace.command("run", "--period", PERIOD, settings={"ACRONIS_EU_CLIENT_SECRET": " \n"})

    assert done.returncode == 1
    assert "ACRONIS_EU_CLIENT_SECRET is not set (secret of the API client)" in done.stderr


def test_the_password_of_a_database_may_end_with_a_blank(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", " x ")

    password = LakeSettings.load().database_password

    assert password is not None
    assert password.get_secret_value() == " x "


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-16-le"])
def test_a_file_of_settings_that_is_not_utf_8(project: Path, encoding: str) -> None:
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
    (message,) = done.stderr.splitlines()
    assert f"{project / '.env'} is not text in UTF-8. Save it as UTF-8." in message


def complaint(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], settings: dict[str, str]
) -> str:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert billing_pipeline(["status"]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    (message,) = told.err.splitlines()
    return message


@pytest.mark.parametrize("setting", ["BILLING_DATA_DIR", "BILLING_LAKE_DATA"])
@pytest.mark.parametrize(
    ("folder", "told"),
    [
        ("~nosuchuser/x", "~nosuchuser/x leads nowhere"),
        ("{}/loop", "loop"),
        ("{}/loop/below", "loop"),
        ("{}/file", "file is not a folder"),
        ("{}/file/below", "file is not a folder"),
        ("{}/back\\slash", "must not contain a backslash"),
    ],
)
def test_a_folder_that_cannot_be_one(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    setting: str,
    folder: str,
    told: str,
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
    assert told in message
    assert {path.name for path in tmp_path.iterdir()} == {"file", "loop"}


@pytest.mark.parametrize("period", ["0001-01", "1999-12", "9999-12"])
def test_a_first_period_that_nothing_can_be_counted_from(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], period: str
) -> None:
    message = complaint(monkeypatch, capsys, {"BILLING_FIRST_PERIOD": period})

    assert "BILLING_FIRST_PERIOD (first partition, YYYY-MM): must be from 2000-01" in message
