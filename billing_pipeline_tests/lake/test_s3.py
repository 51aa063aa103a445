"""A lake with its files in an S3-compatible store."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
import requests
from moto.server import ThreadedMotoServer

from billing_pipeline.cli import main as billing_pipeline
from billing_pipeline.errors import WarehouseError
from billing_pipeline.sandbox import Sandbox
from billing_pipeline_tests.harness.command_line import CliHarness
from billing_pipeline_tests.lake.conftest import LakePlace, opened
from billing_pipeline_tests.postgres import PostgresServer
from billing_pipeline_tests.warehouse.loader import month_of
from billing_pipeline_tests.warehouse.reports import load

KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIATEST",
    "AWS_SECRET_ACCESS_KEY": "a/secret+of=s3",
    "AWS_REGION": "eu-central-1",
}
PREFIX = "s3://billing/lake"


@pytest.fixture
def store() -> Iterator[str]:
    """The store's URL, plain HTTP on loopback; it has one empty bucket."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        bucket(f"http://{host}:{port}").create(
            CreateBucketConfiguration={"LocationConstraint": KEYS["AWS_REGION"]}
        )
        yield f"http://{host}:{port}"
    finally:
        requests.post(f"http://{host}:{port}/moto-api/reset", timeout=60)
        server.stop()


@pytest.fixture
def s3_place(
    postgres: PostgresServer, place: LakePlace, store: str, monkeypatch: pytest.MonkeyPatch
) -> LakePlace:
    for name, value in {**KEYS, "BILLING_S3_ENDPOINT": store}.items():
        monkeypatch.setenv(name, value)
    return LakePlace(postgres, place.database, PREFIX)


def bucket(store: str):  # type: ignore[no-untyped-def] # boto3 has no types
    return boto3.resource(
        "s3",
        endpoint_url=store,
        aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        region_name=KEYS["AWS_REGION"],
    ).Bucket("billing")


def test_run__bucket__month_loaded_and_queried(
    cli: CliHarness, sandbox: Sandbox, s3_place: LakePlace, store: str
) -> None:
    cli.environment |= {**s3_place.settings, **KEYS, "BILLING_S3_ENDPOINT": store}

    done = cli.command("run", "--period", "2026-09")

    assert done.returncode == 0, done.stderr
    (row,) = cli.query("SELECT count(*) AS n, sum(absolute_total)::BIGINT AS total FROM usage")
    totals: dict[str, Any] = dict(sandbox.totals("2026-09"))
    units = totals["units"].values()
    assert (row["n"], row["total"]) == (
        sum(unit["rows"] for unit in units),
        sum(unit["absolute_total"] for unit in units),
    )
    keys = [found.key for found in bucket(store).objects.all()]
    assert any(key.startswith("lake/main/usage/billing_period=2026-09-01/") for key in keys)
    assert cli.command("maintain", "--grace-hours", "0").returncode == 0
    output = cli.command("sql", "FROM 's3://billing/other.parquet'")
    assert output.returncode == 1
    assert "Permission" in output.stderr
    left = b"".join(path.read_bytes() for path in cli.data_dir.rglob("*") if path.is_file())
    assert KEYS["AWS_SECRET_ACCESS_KEY"].encode() not in left + (done.stdout + done.stderr).encode()


@pytest.mark.parametrize(
    "wrong",
    [{"BILLING_LAKE_DATA": "s3://nonsuch/lake"}, {"BILLING_S3_ENDPOINT": "http://127.0.0.1:1"}],
    ids=["no such bucket", "nobody listens"],
)
def test_load__store_unusable__one_line(
    s3_place: LakePlace,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    wrong: dict[str, str],
) -> None:
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    place = LakePlace(s3_place.server, s3_place.database, wrong.get("BILLING_LAKE_DATA", PREFIX))
    warehouse = opened(place, tmp_path_factory.mktemp("data"), monkeypatch.setenv)

    with pytest.raises(WarehouseError, match=r"files in s3://.* cannot be read or written") as failed:
        load(warehouse, month_of(1))

    assert KEYS["AWS_SECRET_ACCESS_KEY"] not in str(failed.value)
    assert "\n" not in str(failed.value)


def test_sql__objects_missing__one_line(
    s3_place: LakePlace,
    store: str,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    load(opened(s3_place, tmp_path_factory.mktemp("data"), monkeypatch.setenv), month_of(1))
    bucket(store).objects.all().delete()

    assert billing_pipeline(["sql", "FROM usage"]) == 1
    output = capsys.readouterr()
    assert "a file of the lake is missing" in output.err
    assert output.err.count("\n") == 1
