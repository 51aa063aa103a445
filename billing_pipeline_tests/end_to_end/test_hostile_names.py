"""One table of hostile names, in every place that shows or exports a name: it is text there, and no more."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from markdown_it import MarkdownIt
from openpyxl.utils.escape import unescape

from billing_pipeline.charges import load_prices
from billing_pipeline.cli import main as billing_pipeline
from billing_pipeline.cli.progress import ProgressDisplay
from billing_pipeline.cli.streams import messages_on_stderr
from billing_pipeline.errors import BillingPipelineError
from billing_pipeline.month_report import write_month_report
from billing_pipeline.orchestration.load_checks import load_check_results
from billing_pipeline.orchestration.tables import markdown_table
from billing_pipeline.ordering import Progress
from billing_pipeline.periods import SINGLE_ACCOUNT, AccountPeriod
from billing_pipeline.warehouse import CheckResult, WarehouseFile
from billing_pipeline.warehouse.check_results import Finding
from billing_pipeline.warehouse.exporting import export_period
from billing_pipeline_tests.charges.books import PRICE_COLUMNS, price, write_csv
from billing_pipeline_tests.harness.command_line import errors
from billing_pipeline_tests.harness.injections import INJECTIONS
from billing_pipeline_tests.harness.terminal import terminal, without_controls
from billing_pipeline_tests.warehouse.reports import SEPTEMBER, load, row
from billing_pipeline_tests.warehouse.test_spreadsheet import cells

QUERY = "SELECT tenant_name FROM usage ORDER BY report_row"


@pytest.fixture(params=list(INJECTIONS.values()), ids=list(INJECTIONS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> WarehouseFile:
    """A month with a tenant of each name."""
    warehouse = WarehouseFile(tmp_path_factory.mktemp("data"))
    load(
        warehouse,
        [
            row(tenant_id=UUID(int=number), tenant_name=name, absolute_production=1)
            for number, name in enumerate(INJECTIONS.values())
        ],
    )
    return warehouse


def shown(text: str) -> str:
    """The name as one printable line, by the definition of Unicode's categories and nothing else."""
    escaped = (each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
    return "".join(escaped).strip()


def assert_lines_are_ours(text: str) -> None:
    for line in text.splitlines():
        assert line.isprintable(), line
        assert not line.startswith("2026-09  loaded, 1 row"), "a forged line"


def test_sql_table__hostile_names__printable(
    month: WarehouseFile, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BILLING_DATA_DIR", str(month.path.parent))

    assert billing_pipeline(["sql", QUERY]) == 0

    printed = capsys.readouterr().out
    assert_lines_are_ours(printed)
    assert [line.strip() for line in printed.splitlines()[2:-1]] == [*map(shown, INJECTIONS.values())]


def test_sql_csv_and_json__hostile_names__exact_for_programs(
    month: WarehouseFile, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BILLING_DATA_DIR", str(month.path.parent))

    assert billing_pipeline(["sql", QUERY, "--format", "csv"]) == 0
    in_csv = csv.reader(io.StringIO(capsys.readouterr().out, newline=""))
    assert list(in_csv)[1:] == [[name] for name in INJECTIONS.values()]

    assert billing_pipeline(["sql", QUERY, "--format", "json"]) == 0
    in_json = capsys.readouterr().out
    assert json.loads(in_json) == [{"tenant_name": name} for name in INJECTIONS.values()]
    assert_lines_are_ours(in_json)


def test_sql_csv__hostile_names_on_a_terminal__printable(
    month: WarehouseFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BILLING_DATA_DIR", str(month.path.parent))

    with terminal() as (stream, read):
        with monkeypatch.context() as patched:
            patched.setattr("sys.stdout", stream)
            assert billing_pipeline(["sql", QUERY, "--format", "csv"]) == 0
        printed = read()

    assert_lines_are_ours(printed)
    assert [row[0].strip() for row in csv.reader(printed.splitlines()[1:])] == [
        *map(shown, INJECTIONS.values())
    ]


def test_status__check_quotes_hostile_name__printable(
    warehouse: WarehouseFile, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BILLING_DATA_DIR", str(warehouse.path.parent))
    load(warehouse, [row(tenant_kind=name, absolute_production=1)])

    assert billing_pipeline(["status"]) == 0

    printed = capsys.readouterr().out
    assert_lines_are_ours(printed)
    assert shown(name) in printed


def test_prices_check__file_quotes_hostile_name__printable(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BILLING_DATA_DIR", str(tmp_path))
    (tmp_path / "prices").mkdir()
    with (tmp_path / "prices" / "sell.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, PRICE_COLUMNS)
        writer.writeheader()
        writer.writerow(price("PGSTRG", "0.05", unit=f"x{name}x"))

    assert billing_pipeline(["prices", "check"]) == 1

    fault, _ = errors(capsys.readouterr().err)
    assert fault.isprintable()
    assert "is none of GiB" in fault


@pytest.mark.parametrize("kind", ["xterm", "dumb"])
def test_error_and_progress__hostile_name__one_line_on_terminal_and_in_log(
    name: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = str(BillingPipelineError(f"the tenant {name} is wrong", todo="Look."))
    assert message.isprintable()
    assert shown(name) in message

    monkeypatch.setenv("TERM", kind)
    monkeypatch.setenv("COLUMNS", "400")
    with terminal() as (stream, read):
        with monkeypatch.context() as patched, messages_on_stderr():
            patched.setattr("sys.stderr", stream)
            with ProgressDisplay(name) as display:
                display.update(AccountPeriod(SEPTEMBER, SINGLE_ACCOUNT), Progress(f"state {name}"))
                display.update(AccountPeriod(SEPTEMBER, SINGLE_ACCOUNT), Progress(name, warning=True))
        printed = without_controls(read())
    assert_lines_are_ours(printed)
    assert printed.count(shown(name)) >= 2


def test_markdown__hostile_name__is_text(name: str) -> None:
    finding = Finding(f"{name} is unknown", 1)
    result = CheckResult.from_findings("unknown_units", [finding], severity="warn")
    (evaluated,) = load_check_results(SEPTEMBER, "report", [result])

    cells = text_of_markdown(str(markdown_table(("name", "rows"), [(name, 1)]).value))
    assert cells == ["name", "rows", shown(name), "1"]
    findings = text_of_markdown(str(evaluated.metadata["findings"].value))
    assert findings == ["finding", "usage rows", f"{shown(name)} is unknown".strip(), "1"]
    # Dagster renders the description of a check's result as Markdown, without a click.
    assert text_of_markdown(str(evaluated.description)) == [f"{shown(name)} is unknown"]


def text_of_markdown(source: str) -> list[str]:
    """The texts of a document; an assertion fails if it holds anything but text and tables."""
    document = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(source)
    allowed = {"table", "thead", "tbody", "tr", "th", "td", "paragraph", "inline"}
    texts = []
    for token in document:
        assert token.type.removesuffix("_open").removesuffix("_close") in allowed, token.type
        if token.type == "inline":
            assert {child.type for child in token.children or ()} <= {"text", "text_special"}
            texts.append("".join(child.content for child in token.children or ()))
    return texts


def test_html__hostile_names__are_text(tmp_path: Path) -> None:
    names = list(INJECTIONS.values())
    # With the same blanks at their ends, about which a check warns.
    harmless = [name.replace(name.strip(), f"tenant {number}") for number, name in enumerate(names)]
    hostile, honest = outline(names, tmp_path / "hostile"), outline(harmless, tmp_path / "honest")

    assert hostile.elements == honest.elements
    for name, other in zip(names, harmless, strict=True):
        assert hostile.texts.count(name) == honest.texts.count(other) > 0, name


class Outline(HTMLParser):
    """The elements and texts of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, Any]] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.elements.append((tag, attrs))
        self.texts.append("")

    def handle_data(self, data: str) -> None:
        self.texts[-1:] = ["".join([*self.texts[-1:], data])]


def outline(names: Sequence[str], folder: Path) -> Outline:
    """The page of a priced month in which tenants, items and SKUs have these names."""
    warehouse = WarehouseFile(folder)
    for number, period in enumerate((SEPTEMBER.previous(), SEPTEMBER), 1):
        rows = []
        for n, name in enumerate(names, 1):
            tenant = {"tenant_id": UUID(int=n), "tenant_name": name, "absolute_production": n * n * number}
            rows += [row(**tenant, offering_item=name, sku=name), row(**tenant)]
        load(warehouse, rows, period, number=number)
    (folder / "prices").mkdir()
    write_csv(folder / "prices" / "sell.csv", [price("STWRKSTTNS", "2.50", unit="count")])
    load_prices(warehouse, folder / "prices")
    write_month_report(warehouse, SEPTEMBER, folder / "page.html")
    parsed = Outline()
    parsed.feed((folder / "page.html").read_bytes().decode())
    parsed.close()
    return parsed


def test_csv_export__hostile_names__round_trip_and_no_formula(month: WarehouseFile, tmp_path: Path) -> None:
    path = tmp_path / "usage.csv"
    export_period(month, SEPTEMBER, "usage", "csv", path)

    with path.open(encoding="utf-8-sig", newline="") as file:
        exported = [columns["tenant_name"] for columns in csv.DictReader(file)]
    for name, value in zip(INJECTIONS.values(), exported, strict=True):
        assert value in {name, f"'{name}"}
        assert value.lstrip()[:1] not in {*"=+-@＝＋－＠"}


def test_xlsx_export__hostile_names__exact_texts(month: WarehouseFile, tmp_path: Path) -> None:
    path = tmp_path / "usage.xlsx"
    export_period(month, SEPTEMBER, "usage", "xlsx", path)

    exported = [columns["tenant_name"] for columns in cells(path)]
    assert [unescape(cell.value) for cell in exported] == [*INJECTIONS.values()]
    # A text; not a formula or a number, and without a link.
    assert {(cell.data_type, cell.hyperlink) for cell in exported} == {("s", None)}
