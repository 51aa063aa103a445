"""Each failure of a lake is one clear line, without a password, which nothing that is kept holds either."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from billing_pipeline.cli import main as billing_pipeline
from billing_pipeline.errors import WarehouseError
from billing_pipeline.sandbox import Sandbox
from billing_pipeline.settings import PROJECT_ROOT
from billing_pipeline.warehouse import Warehouse
from billing_pipeline_tests.harness.command_line import CliHarness, errors
from billing_pipeline_tests.lake.conftest import LakePlace, SharedLake, opened, shared_lake
from billing_pipeline_tests.postgres import PostgresServer, postgres_server
from billing_pipeline_tests.warehouse.loader import month_of
from billing_pipeline_tests.warehouse.reports import load, query, row

SECRET = "hunter2:not/to@be;shown"


def elsewhere(place: LakePlace, **changed: str) -> str:
    parts = dict(part.split("=", 1) for part in place.connection_string.split()) | changed
    return "ducklake:postgres:" + " ".join(f"{name}={value}" for name, value in parts.items())


FAULTS: dict[str, tuple[Callable[[LakePlace], dict[str, str]], str, str]] = {
    "nobody listens": (
        lambda place: {"BILLING_WAREHOUSE": elsewhere(place, port="1", password=SECRET)},
        "Connection refused",
        "whether PostgreSQL runs",
    ),
    "no such host": (
        lambda place: {"BILLING_WAREHOUSE": elsewhere(place, host="nonsuch.invalid", password=SECRET)},
        "could not translate host name",
        "BILLING_WAREHOUSE",
    ),
    "wrong password": (
        lambda place: {"BILLING_WAREHOUSE": elsewhere(place, password=SECRET)},
        "password authentication failed",
        "PGPASSWORD",
    ),
    "wrong password in the environment": (
        lambda _: {"PGPASSWORD": SECRET},
        "password authentication failed",
        "PGPASSWORD",
    ),
    "wrong password in a URL": (
        lambda place: {
            "BILLING_WAREHOUSE": "ducklake:postgres:"
            f"postgresql://billing:hunter2%3Anot%2Fto%40be%3Bshown@127.0.0.1:{place.server.port}/{place.database}"
        },
        "password authentication failed",
        "PGPASSWORD",
    ),
    "no such database": (
        lambda place: {"BILLING_WAREHOUSE": elsewhere(place, dbname="nonsuch")},
        "nonsuch on 127.0.0.1",
        "createdb",
    ),
    "an option that libpq does not know": (
        lambda place: {"BILLING_WAREHOUSE": elsewhere(place, hots="x", password=SECRET)},
        'invalid connection option "hots"',
        "BILLING_WAREHOUSE",
    ),
    "no connection string": (
        lambda _: {"BILLING_WAREHOUSE": f"ducklake:postgres:password={SECRET} and"},
        "BILLING_WAREHOUSE (the warehouse: file",
        "libpq connection string",
    ),
    "another kind of catalogue": (
        lambda _: {"BILLING_WAREHOUSE": f"ducklake:mysql:password={SECRET}"},
        "BILLING_WAREHOUSE (the warehouse: file",
        "must be file, or ducklake:postgres:",
    ),
    "another folder": (
        lambda place: {"BILLING_LAKE_DATA": f"{place.data_path}2"},
        "the lake keeps its files in",
        "as it was when the lake was made",
    ),
    "a bucket without a prefix": (
        lambda _: {"BILLING_LAKE_DATA": "s3://bucket"},
        "s3://bucket/prefix): must name a bucket and a prefix",
        ".env",
    ),
    "no key for a bucket": (
        lambda _: {"BILLING_LAKE_DATA": "s3://bucket/prefix", "AWS_ACCESS_KEY_ID": "AKIA"},
        "AWS_SECRET_ACCESS_KEY: not set",
        ".env",
    ),
    "credentials in the endpoint": (
        lambda _: {"BILLING_S3_ENDPOINT": f"https://me:{SECRET}@s3.example"},
        "BILLING_S3_ENDPOINT (URL of an S3-compatible store",
        "AWS_ACCESS_KEY_ID",
    ),
}


@pytest.fixture(scope="module")
def loaded(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> SharedLake:
    lake = shared_lake(postgres, tmp_path_factory.mktemp("failures"))
    load(lake.warehouse, month_of(1))
    return lake


@pytest.mark.parametrize("fault", FAULTS)
def test_command__lake_unusable__one_line_without_secrets(
    loaded: SharedLake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], fault: str
) -> None:
    changed, what, todo = FAULTS[fault]
    for name, value in (loaded.environment | changed(loaded.place)).items():
        monkeypatch.setenv(name, value)

    # One that reads, and one that changes.
    for command in (["sql", "FROM usage"], ["maintain"]):
        assert billing_pipeline(command) == 1
        output = capsys.readouterr()
        assert output.out == ""
        (message,) = errors(output.err)
        assert message.startswith(f"billing-pipeline {command[0]}: ")
        assert what in message
        assert todo in message
        assert "hunter2" not in output.err
        assert loaded.place.server.password not in output.err

    for name, value in loaded.environment.items():
        monkeypatch.setenv(name, value)
    assert query(loaded.warehouse, "SELECT count(*) AS n FROM usage") == [{"n": 3}]


def test_password__in_string_url_or_passfile__is_used(
    warehouse: Warehouse, place: LakePlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(warehouse, month_of(1))
    monkeypatch.delenv("PGPASSWORD")
    secret = place.server.password
    passfile = tmp_path / "passfile"
    escaped = secret.replace("\\", "\\\\").replace(":", "\\:")
    passfile.write_text(f"{place.server.host}:{place.server.port}:*:{place.server.user}:{escaped}\n")
    passfile.chmod(0o600)

    for string, settings in (
        (place.server.connection_string(place.database), {}),
        (place.server.url(place.database), {}),
        (place.connection_string, {"PGPASSFILE": str(passfile)}),
        (f"{place.connection_string} passfile={passfile}", {}),
    ):
        monkeypatch.delenv("PGPASSFILE", raising=False)
        for name, value in {"BILLING_WAREHOUSE": f"ducklake:postgres:{string}", **settings}.items():
            monkeypatch.setenv(name, value)
        assert billing_pipeline(["sql", "FROM usage"]) == 0


@pytest.fixture
def own_server() -> object:
    with postgres_server() as server:
        yield server


def test_change__database_stops__one_line_and_nothing_lost(
    own_server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_server.create_database("lake")
    place = LakePlace(own_server, "lake", str(tmp_path / "shared"))
    warehouse = opened(place, tmp_path / "data", monkeypatch.setenv)
    load(warehouse, month_of(1), number=1)

    def stop(connection: object) -> None:
        own_server.stop()

    with pytest.raises(WarehouseError, match="PostgreSQL") as failed:
        warehouse.change(stop)
    assert own_server.password not in str(failed.value)
    with pytest.raises(WarehouseError, match="cannot be used"):
        warehouse.exists()

    own_server.start()
    assert query(warehouse, "SELECT count(*) AS n FROM usage") == [{"n": 3}]
    load(warehouse, month_of(2), number=2)
    assert query(warehouse, "SELECT max(absolute_total)::INT AS n FROM usage") == [{"n": 2}]


def test_command__user_without_rights__one_line(
    warehouse: Warehouse,
    place: LakePlace,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    load(warehouse, month_of(1))
    page = (PROJECT_ROOT / "docs" / "lake.md").read_text()
    grants = re.findall(r"^(?:GRANT|ALTER DEFAULT) .*;$", page, re.MULTILINE)
    assert len(grants) == 3
    for name in ("reader", "stranger"):
        place.server.query(f"CREATE ROLE {name} LOGIN PASSWORD '{SECRET}'", database=place.database)
    for statement in grants:
        place.server.query(statement, database=place.database)

    def message_for(user: str, *command: str) -> str:
        monkeypatch.setenv("BILLING_WAREHOUSE", elsewhere(place, user=user, password=SECRET))
        status = billing_pipeline(list(command))
        output = capsys.readouterr()
        assert status == (1 if output.err else 0)
        assert output.err.count("\n") <= 1
        return output.err

    assert message_for("reader", "sql", "SELECT count(*) FROM usage") == ""
    assert message_for("reader", "status") == ""
    for refused in (message_for("reader", "close", "--period", "2026-09"), message_for("stranger", "status")):
        assert "does not let the warehouse's user do this: permission denied for" in refused


def test_sql__file_lost__one_line_with_remedy(
    warehouse: Warehouse, place: LakePlace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    load(warehouse, [row(offering_item="vms", sku=f"S{n}", absolute_production=1) for n in range(120)])
    for path in Path(place.data_path).rglob("*.parquet"):
        path.unlink()

    for command in (
        ["export", "--period", "2026-09", "--output", str(tmp_path / "x.csv")],
        ["sql", "FROM usage"],
    ):
        assert billing_pipeline(command) == 1
        (output,) = capsys.readouterr().err.splitlines()
        assert "a file of the lake is missing: " in output
        assert "into a new lake" in output


def test_load__folder_not_writable__one_line(
    new_lake: Warehouse, place: LakePlace, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(place.data_path).write_text("a file where the folder should be")

    with pytest.raises(WarehouseError, match=r"files in .*shared.* cannot be read or written"):
        load(new_lake, month_of(1))


def test_run__secrets__in_no_file_and_no_output(cli: CliHarness, sandbox: Sandbox, place: LakePlace) -> None:
    inside = {"BILLING_WAREHOUSE": elsewhere(place, password=place.server.password), "PGPASSWORD": None}
    cli.environment |= place.settings
    output = b""
    for settings, status in (
        (inside, 0),
        ({**inside, "BILLING_WAREHOUSE": elsewhere(place, password=SECRET)}, 1),
        ({"PGPASSWORD": SECRET}, 1),
        ({}, 0),
    ):
        for command in (["run", "--period", "2026-09"], ["status"]):
            done = cli.command(*command, settings=settings)
            assert done.returncode == status, done.stderr
            output += (done.stdout + done.stderr).encode()

    left = {str(path): path.read_bytes() for path in cli.data_dir.rglob("*") if path.is_file()}
    assert any("dagster" in name for name in left)
    for name, content in {"output": output, **left}.items():
        for secret in (SECRET, place.server.password):
            assert secret.encode() not in content, name
