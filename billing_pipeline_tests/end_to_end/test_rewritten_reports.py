"""Reports that differ from the documentation, in both formats, through `billing-pipeline run`."""

from __future__ import annotations

import gzip
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from billing_pipeline.sandbox.messages import Answer, Request
from billing_pipeline_tests.harness.command_line import CliHarness
from billing_pipeline_tests.harness.recording_sandbox import RecordingSandbox

pytestmark = pytest.mark.slow

PERIOD = ("--period", "2026-09")
# Level, rewrites, the check that stops, and what it says.
Misbilled = tuple[str, tuple[tuple[str, str], ...], str, str]


class RewritingSandbox(RecordingSandbox):
    """Replaces texts in the files that are downloaded; `rewrites` has pairs for the JSON and for the CSV."""

    rewrites: tuple[tuple[str, str], ...] = ()

    def answer(self, request: Request, route: str, ids: tuple[str, ...], entry: dict[str, Any]) -> Answer:
        """The answer; a file with its texts replaced."""
        answer = super().answer(request, route, ids, entry)
        if route != "download" or answer.status != 200:
            return answer
        text = gzip.decompress(answer.body).decode()
        for old, new in self.rewrites:
            text = text.replace(old, new)
        return Answer(answer.status, gzip.compress(text.encode()), answer.headers)


@pytest.fixture
def rewriting() -> Iterator[RewritingSandbox]:
    with RewritingSandbox(tenants=6, ready_after_seconds=0) as sandbox:
        yield sandbox


def run(
    cli: CliHarness, sandbox: RewritingSandbox, level: str = "direct_partners"
) -> subprocess.CompletedProcess[str]:
    settings = {"ACRONIS_BASE_URL": sandbox.base_url, "ACRONIS_REPORT_LEVEL": level}
    return cli.command("run", *PERIOD, settings=settings)


def failed_checks(cli: CliHarness) -> set[str]:
    found = cli.query("SELECT check_name FROM latest_load_checks WHERE NOT passed")
    return {check["check_name"] for check in found}


BILL = "SELECT * FROM billable_usage ORDER BY ALL"


def test_run__units_and_kinds_spelled_otherwise__bills_the_same(
    cli: CliHarness, rewriting: RewritingSandbox
) -> None:
    assert run(cli, rewriting, "all_customers").returncode == 0
    bill = cli.query(BILL)
    rewriting.rewrites = (
        ('"measurement_unit":"seconds"', '"measurement_unit":" Seconds"'), (",seconds,", ", Seconds,"),
        ('"measurement_unit":"bytes"', '"measurement_unit":"BYTES "'), (",bytes,", ",BYTES ,"),
        ('"kind":"customer"', '"kind":"Customer"'), (",customer,", ",Customer,"),
    )  # fmt: skip

    done = run(cli, rewriting, "all_customers")

    assert done.returncode == 0, done.stderr
    assert failed_checks(cli) == set()
    again = [line | {"tenant_kind": line["tenant_kind"].lower()} for line in cli.query(BILL)]
    assert again == bill
    assert {line["unit"] for line in bill} == {"GiB", "compute points", "count"}


@pytest.mark.parametrize(
    "fault",
    [
        (
            "direct_partners",
            (('"measurement_unit":"seconds"', '"measurement_unit":""'), (",seconds,", ",,")),
            "compute_point_names",
            "compute_points in quantity",
        ),
        (
            "direct_partners",
            (('"measurement_unit":"bytes"', '"measurement_unit":""'), (",bytes,", ",,")),
            "item_units",
            "storage is in quantity, listed in bytes",
        ),
        (
            "all_customers",
            (('"kind":"customer"', '"kind":null'), (",customer,", ",,")),
            "billing_rules",
            "tenants of kind null in a report of level all_customers",
        ),
        (
            "accounts",
            (('"kind":"customer"', '"kind":"client"'), (",customer,", ",client,")),
            "billing_rules",
            "tenants of kind 'client' in a report of level accounts",
        ),
        (
            "accounts",
            (('"kind":"partner"', '"kind":"customer"'), (",partner,", ",customer,")),
            "own_total",
            "in the own rows of the report's tenant",
        ),
    ],
    ids=["points without unit", "storage without unit", "kind null", "unknown kind", "partner and customers"],
)
def test_run__usage_that_would_be_misbilled__stops_and_names_it(
    cli: CliHarness, rewriting: RewritingSandbox, fault: Misbilled
) -> None:
    level, rewriting.rewrites, check, said = fault

    done = run(cli, rewriting, level)

    assert done.returncode == 1
    assert f"{check}: " in done.stderr
    assert said in done.stderr
    assert not (cli.data_dir / "warehouse.duckdb").exists() or cli.query("SELECT 1 FROM usage LIMIT 1") == []


def test_run__blanks_around_skus__loads_and_names_them(cli: CliHarness, rewriting: RewritingSandbox) -> None:
    rewriting.rewrites = (('"sku":"PRTLCST"', '"sku":" PRTLCST"'), (",PRTLCST\r\n", ", PRTLCST\r\n"))

    done = run(cli, rewriting)

    assert done.returncode == 0, done.stderr
    assert failed_checks(cli) == {"questionable_values"}
    (check,) = cli.query("SELECT detail FROM latest_load_checks WHERE NOT passed")
    assert "blanks around sku ' PRTLCST'" in check["detail"]
