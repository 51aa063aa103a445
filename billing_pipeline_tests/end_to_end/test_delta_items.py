"""`BILLING_DELTA_ITEMS` through the command: what is billed, and what a changed setting changes."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

import pytest

from billing_pipeline_tests.harness.command_line import CliHarness

pytestmark = pytest.mark.slow

ACCUMULATING, COMPUTE_POINTS = "accumulating", "compute_points"


def load(cli: CliHarness, period: str, delta_items: str | None, *options: str) -> None:
    done = cli.command("run", "--period", period, *options, settings={"BILLING_DELTA_ITEMS": delta_items})
    assert done.returncode == 0, done.stderr


def billed(cli: CliHarness) -> dict[tuple[str, str], Decimal]:
    """The billed quantity of accumulating countable items, by month and item."""
    rows = cli.query(
        "SELECT billing_period, offering_item, sum(quantity)::VARCHAR AS quantity FROM billable_usage"
        " WHERE offering_item IN"
        " (SELECT offering_item FROM usage WHERE is_range AND measurement_unit = 'quantity')"
        " GROUP BY ALL"
    )
    return {(row["billing_period"][:7], row["offering_item"]): Decimal(row["quantity"]) for row in rows}


def recomputed(cli: CliHarness, rules: dict[str, str]) -> dict[tuple[str, str], Decimal]:
    """The same from the rows of `usage`, by the rule of each month."""
    rows = cli.query(
        "SELECT billing_period, offering_item, delta_production::VARCHAR AS delta,"
        " absolute_production::VARCHAR AS absolute FROM usage"
        " WHERE is_range AND measurement_unit = 'quantity' AND tenant_id <> root_tenant_id"
    )
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in rows:
        month = row["billing_period"][:7]
        figure = row["delta" if rules[month] == ACCUMULATING else "absolute"]
        sums[month, row["offering_item"]] += Decimal(figure)
    return dict(sums)


def test_delta_items__setting_changed__only_months_loaded_from_then_on_follow_it(cli: CliHarness) -> None:
    load(cli, "2026-08", None)
    before = billed(cli)
    load(cli, "2026-09", COMPUTE_POINTS)

    after = billed(cli)
    assert {key: value for key, value in after.items() if key[0] == "2026-08"} == before
    assert after == recomputed(cli, {"2026-08": ACCUMULATING, "2026-09": COMPUTE_POINTS})
    assert after != recomputed(cli, {"2026-08": ACCUMULATING, "2026-09": ACCUMULATING})
    status = cli.command("status").stdout
    (warned,) = (line for line in status.splitlines() if "delta_items (warn)" in line)
    assert warned.startswith("2026-09  ")
    assert warned.endswith(" are billed by absolute; by delta in 2026-08")


def test_delta_items__month_replayed_under_another_setting__follows_it_and_history_says_so(
    cli: CliHarness,
) -> None:
    load(cli, "2026-09", ACCUMULATING)
    load(cli, "2026-09", COMPUTE_POINTS, "--replay")

    assert billed(cli) == recomputed(cli, {"2026-09": COMPUTE_POINTS})
    history = cli.query("SELECT delta_items FROM load_history ORDER BY recorded_at")
    assert [row["delta_items"] for row in history] == [ACCUMULATING, COMPUTE_POINTS]
    assert "this month's last load" in cli.command("status").stdout


def test_delta_items__closed_month__keeps_its_rule(cli: CliHarness) -> None:
    load(cli, "2026-09", ACCUMULATING)
    assert cli.command("close", "--period", "2026-09").returncode == 0

    done = cli.command(
        "run", "--replay", "--period", "2026-09", settings={"BILLING_DELTA_ITEMS": COMPUTE_POINTS}
    )

    assert done.returncode == 1
    assert billed(cli) == recomputed(cli, {"2026-09": ACCUMULATING})


def test_delta_items__unknown_value__is_named(cli: CliHarness) -> None:
    done = cli.command("run", settings={"BILLING_DELTA_ITEMS": "sometimes"})

    assert done.returncode == 1
    assert "BILLING_DELTA_ITEMS (items billed by delta: " in done.stderr
