"""`prices` and `charges` as users see them: in Dagster, in `run` and in `status`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from tabulate import tabulate

from billing_pipeline.charges.checks import CHECKS, description
from billing_pipeline.definitions import build_defs
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.settings import PROJECT_ROOT
from billing_pipeline_tests.charges.books import (
    AUGUST,
    B,
    Books,
    compute_points,
    gib,
    price,
    terms,
    write_csv,
)
from billing_pipeline_tests.harness.command_line import CliHarness
from billing_pipeline_tests.warehouse.reports import OTHER_ROOT, SEPTEMBER

SHARED = [dg.AssetKey(name) for name in ("prices", "billable_usage", "sku_totals", "charges", "month_report")]


@dataclass
class Run:
    """What Dagster shows of a run."""

    checks: Mapping[str, dg.AssetCheckEvaluation]
    metadata: Mapping[str, Mapping[str, Any]]
    versions: Mapping[str, str | None] = field(default_factory=dict)

    def failed(self) -> set[str]:
        return {name for name, check in self.checks.items() if not check.passed}


@pytest.fixture
def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Books:
    """An empty data folder, which the environment names."""
    monkeypatch.setenv("BILLING_DATA_DIR", str(tmp_path))
    return Books(tmp_path, capsys)


def materialise(period: str = SEPTEMBER.key, *, assets: list[dg.AssetKey] = SHARED) -> Run:
    """Run the assets of the job `monthly_usage` that all accounts share."""
    with dg.DagsterInstance.ephemeral() as instance:
        result = (
            build_defs()
            .resolve_job_def("monthly_usage")
            .execute_in_process(instance=instance, partition_key=period, asset_selection=assets)
        )
    events = [event.materialization for event in result.get_asset_materialization_events()]
    return Run(
        {check.check_name: check for check in result.get_asset_check_evaluations()},
        {
            event.asset_key.to_user_string(): {name: value.value for name, value in event.metadata.items()}
            for event in events
        },
        {
            event.asset_key.to_user_string(): (event.tags or {}).get("dagster/data_version")
            for event in events
        },
    )


def test_charges__no_price_files__succeeds_and_says_so(books: Books) -> None:
    books.usage(gib("10"))

    run = materialise()

    assert set(run.checks) == {"price_file", *CHECKS}
    assert not run.failed()
    assert {check.description for check in run.checks.values()} == {"no prices are loaded"}
    assert run.metadata["charges"]["charges"] == "no prices are loaded"
    assert run.metadata["prices"]["files"] == "no prices are loaded"
    assert books.ask("SELECT count(*) FROM price_load") == [(0,)]
    assert (books.data_dir / "prices").is_dir()  # for the first price file


def test_charges__price_files__loads_them_and_shows_totals(books: Books) -> None:
    books.usage(gib("10", tenant_name="Alder | IT"), gib("5", tenant_id=B), compute_points("2"))
    books.write_prices(price("PGSTRG", "0.07"))
    books.write_prices(price("PGSTRG", "0.05"), name="buy.csv")
    books.write_terms(terms(B, minimum="0.45"))

    run = materialise()

    assert run.failed() == {"unpriced_usage"}
    shown = run.metadata["charges"]
    assert (shown["lines"], shown["unpriced_lines"], shown["accounts"]) == (3, 1, "default")
    assert (shown["revenue_EUR"], shown["cost_EUR"], shown["margin_EUR"]) == (1.15, 0.75, 0.4)
    assert "| 1.15" in shown["totals"]
    first = shown["top_customers"].splitlines()[2]
    assert first.startswith(r"| Alder \| IT")
    assert "0.70" in first
    assert "2.00 compute points of CMPTPNTS" in str(run.checks["unpriced_usage"].metadata["findings"].value)
    assert run.metadata["prices"]["rows"] == 3
    page = Path(run.metadata["month_report"]["path"])
    assert page == books.data_dir / "reports" / f"{SEPTEMBER}.html"
    assert "<b>1.15 EUR</b>revenue" in page.read_text()
    assert "<b>0.40 EUR</b>margin, 34.8 %" in page.read_text()


def test_charges__yen__cost_and_margin_without_decimals(books: Books) -> None:
    books.usage(gib("10.5"))
    books.write_prices(price("PGSTRG", "10", currency="JPY"))
    books.write_prices(price("PGSTRG", "5.03", currency="JPY"), name="buy.csv")

    shown = materialise().metadata["charges"]

    assert (shown["revenue_JPY"], shown["cost_JPY"], shown["margin_JPY"]) == (105, 53, 52)


def test_charges__two_accounts__those_of_the_last_load_are_complete(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BILLING_ACCOUNTS", "eu,us")
    books.write_prices(price("PGSTRG", "0.07"))
    books.usage(gib("10"), account="us")
    first = materialise().metadata["charges"]
    books.usage(gib("20", tenant_id=B), account="eu", root_tenant_id=OTHER_ROOT)
    last = materialise().metadata["charges"]

    assert (first["accounts"], first["revenue_EUR"]) == ("us", 0.7)
    assert (last["accounts"], last["revenue_EUR"]) == ("eu, us", 2.1)


def test_charges__nothing_loaded__failure_says_what_to_do(books: Books) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        result = (
            build_defs()
            .resolve_job_def("monthly_usage")
            .execute_in_process(
                instance=instance,
                partition_key=SEPTEMBER.key,
                asset_selection=SHARED,
                raise_on_error=False,
            )
        )

    (failed,) = (event.step_failure_data for event in result.get_step_failure_events())
    assert failed.user_failure_data is not None
    assert "Load a period first: billing-pipeline run" in (failed.user_failure_data.description or "")


def test_prices__files_change__data_version_changes(books: Books) -> None:
    books.write_prices(price("PGSTRG", "0.07"))
    first = materialise(assets=SHARED[:1])
    again = materialise(assets=SHARED[:1])
    books.write_prices(price("PGSTRG", "0.08"))
    changed = materialise(assets=SHARED[:1])

    assert first.versions["prices"] == again.versions["prices"] != changed.versions["prices"]
    assert len(books.ask("FROM price_load")) == 2


def test_prices__other_prices__renew_the_pages_of_open_months(books: Books) -> None:
    books.write_prices(price("PGSTRG", "0.07"))
    for period in (AUGUST, SEPTEMBER):
        books.usage(gib("10"), period=period)
        materialise(period.key)
    page = books.data_dir / "reports" / f"{AUGUST}.html"
    assert "<b>0.70 EUR</b>revenue" in page.read_text()

    books.write_prices(price("PGSTRG", "0.09"))
    materialise(SEPTEMBER.key)

    assert "<b>0.90 EUR</b>revenue" in page.read_text()
    page.write_text("kept")
    materialise(SEPTEMBER.key)
    assert page.read_text() == "kept"


def test_prices__file_with_faults__fails_the_check_and_keeps_prices(books: Books) -> None:
    books.usage(gib("10"))
    books.write_prices(price("PGSTRG", "0.07"))
    before = materialise()
    books.write_prices(price("PGSTRG", "0,08", currency="EURO"))

    run = materialise()

    assert run.failed() == {"price_file"}
    check = run.checks["price_file"]
    assert check.severity == dg.AssetCheckSeverity.ERROR
    assert "2 errors" in str(check.description)
    assert "0,08" in str(check.metadata["findings"].value)
    assert "EURO" in str(check.metadata["findings"].value)
    assert run.versions["prices"] == before.versions["prices"]
    assert run.metadata["charges"]["revenue_EUR"] == 0.7


def test_prices__files_removed__loaded_prices_stay_in_force(books: Books) -> None:
    books.usage(gib("10"))
    books.sell(price("PGSTRG", "0.07"))
    books.path("sell.csv").unlink()

    run = materialise()

    assert not run.failed()
    assert "stay in force" in str(run.checks["price_file"].description)
    assert run.metadata["charges"]["revenue_EUR"] == 0.7


def _severity(name: str) -> dg.AssetCheckSeverity:
    return dg.AssetCheckSeverity.ERROR if name == "one_currency" else dg.AssetCheckSeverity.WARN


def _months(books: Books, *quantities: str) -> None:
    """Months that end with September, with 0.10 EUR a GiB."""
    period = SEPTEMBER
    for quantity in reversed(quantities):
        books.usage(gib(quantity), period=period)
        period = period.previous()
    books.write_prices(price("PGSTRG", "0.10"))


def _unpriced(books: Books) -> None:
    books.usage(gib("10"), gib("3", "ACRCLST"))
    books.write_prices(price("PGSTRG", "0.07"))


def _two_currencies(books: Books) -> None:
    books.usage(gib("10"), gib("3", "ACRCLST"))
    books.write_prices(price("PGSTRG", "0.07"), price("ACRCLST", "0.07", currency="CHF"))


def _below_cost(books: Books) -> None:
    books.usage(gib("10", tenant_name="Alder IT"))
    books.write_prices(price("PGSTRG", "0.07"))
    books.write_prices(price("PGSTRG", "0.071"), name="buy.csv")


def _growing(books: Books) -> None:
    _months(books, "100", "120", "110", "140")


def _unused(books: Books) -> None:
    _months(books, "100", "100", "100")
    books.write_prices(price("PGSTRG", "0.10"), price("GOLD", "1"), price("NEW", "1", valid_from="2026-08"))


def _reported(cost: str) -> Callable[[Books], None]:
    def make(books: Books) -> None:
        books.usage(gib("10", total_cost=cost, price="0.07", pricing_currency="EUR"))
        books.write_prices(price("PGSTRG", "0.07"))

    return make


def _little(buying_price: str) -> Callable[[Books], None]:
    """Usage of less than a cent, so that its amount is 0.00."""

    def make(books: Books) -> None:
        books.usage(gib("0.05"))
        books.write_prices(price("PGSTRG", "0.09"))
        books.write_prices(price("PGSTRG", buying_price), name="buy.csv")

    return make


FAILING: list[tuple[str, Callable[[Books], None], str]] = [
    ("unpriced_usage", _unpriced, "3.00 GiB of ACRCLST"),
    ("one_currency", _two_currencies, "CHF (sell.csv row 3) and EUR (sell.csv row 2)"),
    (
        "below_cost",
        _below_cost,
        "Alder IT: 10.00 GiB of PGSTRG (storage) on storage of acronis sold for 0.70",
    ),
    ("charge_history", _growing, "14.00 EUR, before 10.00 to 12.00"),
    ("unused_prices", _unused, "sell.csv row 3: GOLD, GiB, on the list standard matched nothing"),
    ("reported_cost", _reported("0.72"), "is charged with 0.70 EUR, the report states 0.72 EUR"),
]


@pytest.mark.parametrize(("name", "make", "finding"), FAILING, ids=[name for name, *_ in FAILING])
def test_charge_check__its_fault__fails_and_names_it(
    books: Books, name: str, make: Callable[[Books], None], finding: str
) -> None:
    make(books)

    run = materialise()

    assert run.failed() == {name}
    check = run.checks[name]
    assert check.severity == _severity(name)
    plain = str(check.description).translate({ord("\\"): None})
    assert finding in plain
    assert check.metadata["billing_period"].value == SEPTEMBER.key
    assert check.metadata["lines_objected_to"].value


def test_charge_check__each__has_a_failing_example_and_is_documented() -> None:
    assert [name for name, *_ in FAILING] == list(CHECKS)
    rules = [(f"`{name}`", _severity(name).value, description(name)) for name in CHECKS]
    table = tabulate(rules, ("check", "severity", "rule"), tablefmt="github")
    assert table in (PROJECT_ROOT / "docs" / "prices.md").read_text(encoding="utf-8"), table


@pytest.mark.parametrize(
    "make",
    [
        lambda books: _months(books, "100", "120", "110", "132"),
        lambda books: _months(books, "100", "100", "300"),
        _reported("0.7003"),
        _little("0.09"),
        _little("0.091"),
        _reported("0"),
    ],
    ids=[
        "a_tenth_more",
        "two_months_of_history",
        "half_a_hundredth",
        "rounded_away",
        "below_cost",
        "other_price",
    ],
)
def test_charge_checks__close_to_the_rule__behave(
    books: Books, make: Callable[[Books], None], request: pytest.FixtureRequest
) -> None:
    make(books)

    expected = {"below_cost": {"below_cost"}, "other_price": {"reported_cost"}}
    assert materialise().failed() == expected.get(request.node.callspec.id, set())


def test_charge_history__customer_has_no_charges_any_more__fails(books: Books) -> None:
    for period in (SEPTEMBER, AUGUST, AUGUST.previous(), AUGUST.previous().previous()):
        usage = [gib("20", tenant_id=B)]
        if period != SEPTEMBER:
            usage.append(gib("10", tenant_name="Alder IT"))
        books.usage(*usage, period=period)
    books.write_prices(price("PGSTRG", "0.10"))

    run = materialise()

    assert run.failed() == {"charge_history"}
    assert "Alder IT: 0.00 EUR, before 1.00 to 1.00" in str(run.checks["charge_history"].description)


def test_schedule__tick__requests_shared_assets_with_each_account(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BILLING_ACCOUNTS", "eu,us")
    defs = build_defs()

    assert defs.resolve_asset_graph().get(dg.AssetKey("prices")).partitions_def is None
    tick = defs.resolve_schedule_def("monthly_usage_schedule").evaluate_tick(
        dg.build_schedule_context(
            scheduled_execution_time=datetime(2026, 10, 2, 7, tzinfo=UTC),
            repository_def=defs.get_repository_def(),
        )
    )
    requests = tick.run_requests or []
    assert [request.tags["billing/account"] for request in requests] == ["eu", "us"]
    for request in requests:
        assert set(SHARED) <= set(request.asset_selection or [])
        names = {key.name for key in request.asset_check_keys or []}
        assert {"price_file", *CHECKS} <= names


def test_status__prices_loaded__says_what_is_to_be_done(books: Books) -> None:
    books.usage(gib("10"), period=AUGUST)
    books.usage(gib("10"), gib("3", "ACRCLST"))
    books.sell(price("PGSTRG", "0.07"))
    books.close(AUGUST)
    books.restate(gib("20"), period=AUGUST)

    out, _ = books.run("status")
    found = json.loads("\n".join(books.run("status", "--json")[0]))["prices"]

    assert any(line.startswith("prices  loaded at ") and line.endswith("0 days ago") for line in out)
    assert [line for line in out if "no price for" in line] == [
        (
            "prices  no price for 2026-09: 3.00 GiB of ACRCLST (storage) on storage of acronis, "
            "Bäckerei Müller, GmbH: no price"
        )
    ]
    assert any("correction due of 2026-08: 0.70 EUR, 2 lines" in line for line in out)
    assert found["age_days"] == 0
    assert found["unpriced"]["period"] == "2026-09"
    assert len(found["unpriced"]["items"]) == 1
    (due,) = found["corrections_due"]
    assert (due["period"], Decimal(due["amount"]), due["lines"]) == ("2026-08", Decimal("0.70"), 2)


def test_status__check_and_usage_without_price__ends_with_status_3(books: Books) -> None:
    books.usage(gib("10"), gib("3", "ACRCLST"), period=BillingPeriod.last_complete())
    books.run("status", "--check")

    books.sell(price("PGSTRG", "0.07"))
    books.run("status", "--check", status=3)

    books.sell(price("PGSTRG", "0.07"), price("ACRCLST", "0"))
    books.run("status", "--check")


def test_status__no_prices__does_not_mention_them(books: Books) -> None:
    books.usage(gib("10"))

    out, err = books.run("status")

    assert not [line for line in (*out, *err) if "price" in line]
    assert "prices" not in json.loads("\n".join(books.run("status", "--json")[0]))


@pytest.mark.slow
def test_run__price_files__loads_month_and_names_findings(cli: CliHarness) -> None:
    folder = cli.data_dir / "prices"
    folder.mkdir(parents=True)
    (folder / "sell.csv").write_text("sku\n", encoding="utf-8")

    done = cli.command("run", "--period", SEPTEMBER.key)

    assert done.returncode == 0, done.stderr
    assert "; charges: price_file (see billing-pipeline ui)" in done.stdout
    (folder / "sell.csv").unlink()
    again = cli.command("run", "--period", SEPTEMBER.key, "--replay")
    assert again.returncode == 0, again.stderr
    assert "charges:" not in again.stdout


@pytest.mark.slow
def test_run__other_prices__renews_the_page_of_another_month(cli: CliHarness) -> None:
    prices = cli.data_dir / "prices" / "sell.csv"
    prices.parent.mkdir(parents=True)
    write_csv(prices, [price("STCMPTPNTS", "1.00", unit="compute points")])
    done = cli.command("run", "--from", AUGUST.key, "--to", SEPTEMBER.key)
    assert done.returncode == 0, done.stderr
    page = cli.data_dir / "reports" / f"{AUGUST}.html"
    before = page.read_text(encoding="utf-8")

    write_csv(prices, [price("STCMPTPNTS", "2.00", unit="compute points")])
    done = cli.command("run", "--period", SEPTEMBER.key, "--replay")

    assert done.returncode == 0, done.stderr
    assert page.read_text(encoding="utf-8") != before
