"""Reports as a real account may send them, in both formats, through `billing-pipeline run`."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from billing_pipeline.sandbox.messages import Answer, Request
from billing_pipeline_tests.conftest import command_line
from billing_pipeline_tests.harness.command_line import CliHarness
from billing_pipeline_tests.harness.recording_sandbox import RecordingSandbox

pytestmark = pytest.mark.slow

Json = dict[str, Any]
Cells = list[dict[str, str]]
BILL = "SELECT * EXCLUDE (customer_id) FROM billable_usage ORDER BY ALL"


class ReshapingSandbox(RecordingSandbox):
    """Changes the files that are downloaded; the tests set how."""

    def as_sent(self) -> None:
        """From now on, change nothing."""
        self.change_json: Callable[[Json], object] = lambda report: None
        self.change_csv: Callable[[Cells], object] = lambda rows: None

    def answer(self, request: Request, route: str, ids: tuple[str, ...], entry: dict[str, Any]) -> Answer:
        """The answer; a file as it was changed."""
        answer = super().answer(request, route, ids, entry)
        if route != "download" or answer.status != 200:
            return answer
        text = gzip.decompress(answer.body).decode()
        if text.startswith("{"):
            report = json.loads(text)
            self.change_json(report)
            text = json.dumps(report)
        else:
            rows = list(csv.DictReader(io.StringIO(text, newline="")))
            self.change_csv(rows)
            file = io.StringIO()
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
            text = file.getvalue()
        return Answer(answer.status, gzip.compress(text.encode()), answer.headers)


@pytest.fixture(scope="module")
def reshaping() -> Iterator[ReshapingSandbox]:
    with ReshapingSandbox(tenants=6, ready_after_seconds=0) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def bill(reshaping: ReshapingSandbox, tmp_path_factory: pytest.TempPathFactory) -> list[Json]:
    """What the report as the sandbox sends it is billed with."""
    reshaping.as_sent()
    return loaded(command_line(reshaping, tmp_path_factory.mktemp("bill") / "data")).query(BILL)


@pytest.fixture
def account(cli: CliHarness, reshaping: ReshapingSandbox) -> CliHarness:
    reshaping.as_sent()
    return command_line(reshaping, cli.data_dir)


def loaded(account: CliHarness) -> CliHarness:
    done = account.command("run", "--period", "2026-09")
    assert done.returncode == 0, done.stderr
    return account


def warnings(account: CliHarness) -> dict[str, str]:
    found = account.query("SELECT check_name, detail FROM latest_load_checks WHERE NOT passed")
    return {check["check_name"]: check["detail"] for check in found}


def of_params(**values: Any) -> Callable[[Json], None]:
    return lambda report: report["params"].update(values)


def of_rows(change: Callable[[Json], object]) -> Callable[[Any], None]:
    """A change of each row of a JSON or CSV report."""

    def change_all(report: Any) -> None:
        for row in report["tenants"] if isinstance(report, dict) else report:
            change(row)

    return change_all


def in_one_list(report: Json) -> None:
    """An element for each tenant and service, its fields flat, the rows in a list of another name."""
    elements: dict[str, Json] = {}
    for row in report["tenants"]:
        tenant, application = row.pop("tenant"), row.pop("application")
        infra = {f"infra_{name}": value for name, value in row.pop("infra").items()}
        shared = {f"tenant{name.title().replace('_', '')}": value for name, value in tenant.items()}
        shared |= {f"application_{name}": value for name, value in application.items()}
        elements.setdefault(json.dumps(shared), shared | {"offerings": []})["offerings"].append(row | infra)
    report["tenants"] = list(elements.values())


def without_what_is_not_billed(report: Json) -> None:
    for name in ("report_type", "report_level", "kind"):
        del report["params"][name]
    for number, row in enumerate(report["tenants"]):
        row["usage"]["effective"] = [None, {"production": 0.30000000000000004}, {}][number % 3]
        row["quota"] = {"value": {"soft": 5}}
        row["pricing"] = {"price": "1,50"}
        row["tenant"]["customer_id"] = number


def as_floats(cells: Json) -> None:
    for name in cells:
        if name.startswith(("usage.absolute", "usage.delta")):
            cells[name] += ".0"


def renamed(old: str, new: str) -> Callable[[Json], None]:
    def change(row: Json) -> None:
        row[new] = row.pop(old)

    return change


NO_WARNING: set[str] = set()
IN_CSV: set[str] = {"json_layout"}


@pytest.mark.parametrize(
    ("change_json", "change_csv", "warned"),
    [
        (of_params(begin_date=1788220799, end_date=1790726400), None, NO_WARNING),
        (of_params(begin_date="1788220800", end_date=1790812800.0), None, NO_WARNING),
        (of_params(report_type="summary", report_level="1", kind="Usage summary"), None, NO_WARNING),
        (in_one_list, None, NO_WARNING),
        (
            without_what_is_not_billed,
            of_rows(as_floats),
            {"cross_check", "effective_totals", "unknown_fields"},
        ),
        (
            of_rows(lambda row: row.update(terms={"billingModel": "payg"})),
            of_rows(lambda cells: cells.update({"Billing model": "payg"})),
            NO_WARNING,
        ),
        (of_rows(renamed("usage", "values")), None, IN_CSV),
        (of_rows(lambda row: row["tenant"].update(uuid=row["tenant"].pop("id"))), None, IN_CSV),
        (of_rows(lambda row: row.update(date=1790726400)), of_rows(as_floats), IN_CSV),
    ],
    ids=[
        *("bounds at midnight", "bounds as texts and floats", "kind and level as texts", "grouped and flat"),
        *("not billed", "SKU details", "usage elsewhere", "tenant without id", "dates as numbers"),
    ],
)
def test_run__report_of_another_form__bills_the_same(
    account: CliHarness,
    reshaping: ReshapingSandbox,
    bill: list[Json],
    *,
    change_json: Callable[[Json], None],
    change_csv: Callable[[Cells], None] | None,
    warned: set[str],
) -> None:
    reshaping.change_json = change_json
    reshaping.change_csv = change_csv or reshaping.change_csv

    loaded(account)

    assert account.query(BILL) == bill
    assert warnings(account).keys() == warned
    (history,) = account.query("SELECT report_format FROM load_history")
    assert history["report_format"] == ("csv_v2_0" if "json_layout" in warned else "json_v2_0")
    if "json_layout" in warned:
        assert "its keys are application.id, application.name, date, " in warnings(account)["json_layout"]
        assert "Please report this line" in warnings(account)["json_layout"]


def test_run__another_month__is_refused_and_the_old_month_stays(
    account: CliHarness, reshaping: ReshapingSandbox, bill: list[Json]
) -> None:
    loaded(account)
    reshaping.change_json = of_params(begin_date=1785542400, end_date=1788220799)

    done = account.command("run", "--period", "2026-09")

    assert done.returncode == 1
    assert "the report covers 2026-08-01 to 2026-08-31; 2026-09-01 to 2026-09-30 was requested" in done.stderr
    assert "Request the report again" in done.stderr
    assert account.query(BILL) == bill


def test_run__rows_that_differ_in_an_unknown_field__are_no_duplicates(
    account: CliHarness, reshaping: ReshapingSandbox, bill: list[Json]
) -> None:
    def twice(rows: list[Json], name: str, values: tuple[Any, Any]) -> None:
        rows[:] = [row | {name: value} for row in rows for value in values]

    reshaping.change_json = lambda report: twice(report["tenants"], "plan", ({"id": 1}, {"id": 2}))
    reshaping.change_csv = lambda rows: twice(rows, "plan.id", ("1", "2"))

    loaded(account)

    assert warnings(account) == {"unknown_fields": "plan.id: in 784 rows, the first is row 1"}
    usage_rows = [line["usage_rows"] for line in account.query(BILL)]
    assert usage_rows == [2 * line["usage_rows"] for line in bill]


def test_run__fractional_measures__are_loaded_exactly(
    account: CliHarness, reshaping: ReshapingSandbox
) -> None:
    more = Decimal("7.000001")

    def without_own_rows(rows: list[Json], tenant: Callable[[Json], str]) -> None:
        rows[:] = [row for row in rows if tenant(row) != reshaping.tenant_id]

    def change_json(report: Json) -> None:
        without_own_rows(report["tenants"], lambda row: str(row["tenant"]["id"]))
        for row in report["tenants"]:
            for measure in ("absolute", "delta"):
                for part in ("production", "total"):
                    row["usage"][measure][part] = str(row["usage"][measure][part] + more)

    def change_csv(rows: Cells) -> None:
        without_own_rows(rows, lambda row: str(row["tenant.id"]))
        for row in rows:
            for measure in ("absolute", "delta"):
                for part in ("production", "total"):
                    name = f"usage.{measure}.{part}"
                    row[name] = str(int(row[name]) + more)

    loaded(account)
    measures = (
        "sum(absolute_production)::VARCHAR AS absolute, sum(delta_total)::VARCHAR AS delta, count(*) AS n"
    )
    query = f"SELECT {measures} FROM usage WHERE tenant_id <> root_tenant_id"
    (before,) = account.query(query)
    reshaping.change_json, reshaping.change_csv = change_json, change_csv

    loaded(account)

    (after,) = account.query(query)
    added = before["n"] * more
    assert [Decimal(after[name]) for name in ("absolute", "delta")] == [
        Decimal(before[name]) + added for name in ("absolute", "delta")
    ]
    (own_total,) = account.query("SELECT detail FROM latest_load_checks WHERE check_name = 'own_total'")
    assert own_total["detail"] == "not compared: the report has no rows of its own tenant"


def test_run__compute_points_taken_back__warns_of_the_credit(
    account: CliHarness, reshaping: ReshapingSandbox
) -> None:
    def negated(measures: Json) -> Json:
        return {name: -value for name, value in measures.items()}

    reshaping.change_json = of_rows(
        lambda row: (
            row["measurement_unit"] == "seconds" and row["usage"].update(delta=negated(row["usage"]["delta"]))
        )
    )
    reshaping.change_csv = of_rows(
        lambda row: (
            row["measurement_unit"] == "seconds"
            and row.update({name: str(-int(row[name])) for name in row if name.startswith("usage.delta")})
        )
    )

    loaded(account)

    assert warnings(account).keys() == {"negative_quantities"}
    assert "compute_points of tenant " in warnings(account)["negative_quantities"]


def test_run__no_skus_for_two_months__warns_in_the_first(account: CliHarness) -> None:
    for period in ("2026-08", "2026-09"):
        done = account.command("run", "--period", period, settings={"ACRONIS_SHOW_SKUS": "false"})
        assert done.returncode == 0, done.stderr

    found = account.query(
        "SELECT strftime(billing_period, '%m') AS month, passed, findings::VARCHAR AS findings"
        " FROM latest_load_checks WHERE check_name = 'sku_coverage' ORDER BY 1"
    )
    assert [(check["month"], check["passed"]) for check in found] == [("08", False), ("09", True)]
    assert all("no billable row has a SKU" in check["findings"] for check in found)
