"""The month's page: what it says, safely, and that a real browser shows it without a network."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from billing_pipeline.charges import close_period
from billing_pipeline.errors import OutputError, WarehouseError
from billing_pipeline.loading.checks import CHECKS
from billing_pipeline.month_report import write_month_report
from billing_pipeline.month_report.page import amount, change
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.warehouse import Warehouse, WarehouseFile
from billing_pipeline_tests.demo_months import PERIODS, DemoMonths
from billing_pipeline_tests.warehouse.reports import (
    OTHER_CUSTOMER,
    OTHER_ROOT,
    load,
    points,
    query,
    row,
    storage,
)

pytestmark = pytest.mark.browser

SEPTEMBER = PERIODS[-1]
GIB = 2**30
HOSTILE = [
    "<script>window.hacked = 1</script>",
    "<img src=x onerror='window.hacked = 1'>",
    '<a href="javascript:window.hacked=1">click</a>',
    "</script><script>window.hacked = 1</script>",
    "{{ 7 * 7 }} ${window.hacked=1} %{x}",
    "\u2028<b>bold</b>\u202e",
]


@dataclass
class Opened:
    """A page with everything that went wrong in it."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def text(self, selector: str) -> str:
        return self.page.inner_text(selector)


@pytest.fixture
def opened(browser: Browser) -> Iterator[Opened]:
    """A page of a context whose network is off."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    shown = Opened(context.new_page())
    shown.page.on("request", lambda request: shown.requests.append(request.url))
    shown.page.on("console", lambda message: shown.complaints.append(message.text))
    shown.page.on("pageerror", lambda error: shown.complaints.append(str(error)))
    yield shown
    context.close()


def show(opened: Opened, warehouse: Warehouse, folder: Path) -> None:
    path = folder / "page.html"
    write_month_report(warehouse, SEPTEMBER, path)
    show_page(opened, path)


def show_page(opened: Opened, path: Path) -> None:
    opened.page.goto(path.as_uri())
    assert opened.requests == [path.as_uri()]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = WarehouseFile(tmp_path_factory.mktemp("demo"))
    DemoMonths().load(warehouse)
    return warehouse


@pytest.fixture(scope="module")
def demo_page(demo: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "page.html"
    write_month_report(demo, SEPTEMBER, path)
    return path


def test_page__no_network__shows_the_whole_month(opened: Opened, demo_page: Path) -> None:
    show_page(opened, demo_page)

    assert opened.complaints == []
    assert opened.page.title() == "Usage September 2026"
    assert opened.page.locator("figure").count() == 4
    assert opened.page.locator("#storage-trend rect").count() == 9, "three months of three kinds of storage"


@pytest.mark.parametrize("width", [390, 1280])
def test_page__any_screen__charts_fill_their_width(opened: Opened, demo_page: Path, width: int) -> None:
    opened.page.set_viewport_size({"width": width, "height": 844})
    show_page(opened, demo_page)

    assert opened.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    for figure in opened.page.locator("figure").all():
        around = figure.bounding_box()
        assert around is not None
        assert around["width"] > 300
        for bar in figure.locator("td.bar svg").all():
            box = bar.bounding_box()
            assert box is not None
            assert box["width"] > 0.9 * around["width"] - 26
            assert box["height"] > 8


def test_chart__bars__are_as_long_as_their_values(opened: Opened, demo_page: Path) -> None:
    show_page(opened, demo_page)

    lengths: dict[Decimal, float] = {}
    for body in opened.page.locator("#compute-points-by-customer tbody").all():
        value = Decimal(body.locator("td.n").inner_text().replace(",", ""))
        box = body.locator("rect").bounding_box()
        assert box is not None
        lengths[value] = box["width"]
    longest = max(lengths)
    assert len(lengths) > 3
    for value, length in lengths.items():
        assert length / lengths[longest] == pytest.approx(float(value / longest), abs=0.02)


def test_chart__read_by_a_screen_reader__has_its_values(
    opened: Opened, demo: Warehouse, demo_page: Path
) -> None:
    show_page(opened, demo_page)
    months = query(
        demo,
        "SELECT strftime(billing_period, '%Y-%m') AS month,"
        " sum(quantity) FILTER (unit = 'GiB' AND storage_ownership = 'acronis') AS acronis"
        " FROM billable_usage GROUP BY 1 ORDER BY 1",
    )

    chart = opened.page.locator("#storage-trend")
    names = [name.text_content() or "" for name in chart.get_by_role("img").locator("title").all()]
    assert chart.get_by_role("row").count() == 1 + 2 * len(months)
    for month, name in zip(months, names, strict=True):
        figures = f"{round(month['acronis'], 2):,}"
        assert name.startswith(f"{month['month']}: {figures} on Acronis’ storage, ")
        row = chart.get_by_role("row").filter(has=opened.page.get_by_role("rowheader", name=month["month"]))
        assert figures in row.inner_text()


def test_chart__colours__contrast_three_to_one_with_background(opened: Opened, demo_page: Path) -> None:
    show_page(opened, demo_page)
    fills = opened.page.evaluate(
        "[...new Set([...document.querySelectorAll('figure rect, .key')].map(e => getComputedStyle(e).fill))]"
    )

    def luminance(colour: str) -> float:
        shares = [int(part) / 255 for part in re.findall(r"\d+", colour)]
        red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    assert len(fills) == 4
    assert all(1.05 / (luminance(fill) + 0.05) >= 3 for fill in fills)


def test_page__printed__shows_every_bar_whole(opened: Opened, demo_page: Path) -> None:
    # The width that A4 leaves between the margins.
    opened.page.set_viewport_size({"width": 703, "height": 1000})
    opened.page.emulate_media(media="print")
    show_page(opened, demo_page)

    right_edges = opened.page.evaluate(
        "[...document.querySelectorAll('svg, td, th')].map(e => e.getBoundingClientRect().right)"
    )
    assert max(right_edges) <= 703


def test_page__demo_month__figures_equal_the_views(opened: Opened, demo: Warehouse, demo_page: Path) -> None:
    show_page(opened, demo_page)
    (expected,) = query(
        demo,
        "SELECT sum(quantity) FILTER (unit = 'GiB' AND storage_ownership = 'acronis') AS gib,"
        " sum(quantity) FILTER (unit = 'compute points') AS points,"
        " count(DISTINCT tenant_id) FILTER (quantity_total <> 0) AS tenants"
        f" FROM billable_usage WHERE billing_period = '{SEPTEMBER.start}'",
    )

    cards = opened.text("section.cards")
    assert f"{round(expected['gib'], 2):,}" in cards
    assert f"{round(expected['points'], 2):,}" in cards
    assert re.search(rf"\b{expected['tenants']}\n+tenants with usage", cards)
    (skus,) = query(
        demo,
        "SELECT count(*) AS n FROM (SELECT sku, offering_item_without_sku, storage_ownership, unit"
        " FROM sku_totals"
        f" WHERE billing_period BETWEEN '{PERIODS[1].start}' AND '{SEPTEMBER.start}' GROUP BY ALL)",
    )
    assert opened.page.locator("#skus tbody tr").count() == skus["n"]
    assert f"{round(expected['gib'], 2):,}" in opened.text("#customers tfoot")
    assert f"{round(expected['points'], 2):,}" in opened.text("#skus tfoot")
    for word in ("Charges", "Revenue", "Amount", "price"):
        assert word not in opened.text("body"), "no prices are loaded"
    assert opened.page.locator("#customers .table tbody tr").count() >= expected["tenants"]
    changes = opened.text("#changes")
    for line in query(demo, f"FROM tenant_changes WHERE billing_period = '{SEPTEMBER.start}'"):
        assert (line["name"] or line["name_before"]) in changes
    assert f"{len(CHECKS)} of {len(CHECKS)}" in cards


def test_page__restated_and_closed_month__says_so(opened: Opened, tmp_path: Path) -> None:
    warehouse = WarehouseFile(tmp_path / "data")
    load(warehouse, [row(absolute_production=18), storage(absolute_production=GIB)])
    load(warehouse, [row(absolute_production=21), points(delta_production=7200)], number=2)
    close_period(warehouse, SEPTEMBER, note="invoices <4711>")

    show(opened, warehouse, tmp_path)

    assert "closed since" in opened.text("header")
    assert "(invoices <4711>)" in opened.text("header")
    restatements = opened.text("#restatements")
    assert "loaded 2 times" in restatements
    assert "1 changed, 1 new, 1 vanished" in restatements
    assert re.search(
        r"changed\s+Bäckerei Müller, GmbH\s+workstations\s+STWRKSTTNS\s+quantity\s+18\s+21", restatements
    )
    assert "2026-08 is not loaded" in opened.text("#changes")
    assert opened.complaints == []


@pytest.mark.parametrize("name", HOSTILE)
def test_page__hostile_names__are_shown_as_text(opened: Opened, tmp_path: Path, name: str) -> None:
    warehouse = WarehouseFile(tmp_path / "data")
    everywhere = {
        "tenant_name": name,
        "customer_id": name,
        "edition": name,
        "sku": name[:60],
        "infra_name": name,
    }
    usage = [
        storage(**everywhere, absolute_production=GIB),
        points(**everywhere, delta_production=3600),
        row(**{**everywhere, "offering_item": name}, absolute_production=3),
        row(
            tenant_id=OTHER_CUSTOMER,
            tenant_name=name,
            tenant_kind=name,
            extra='{"<b>x</b>": 1}',
            absolute_production=1,
        ),
    ]
    load(warehouse, usage, SEPTEMBER.previous())
    load(warehouse, [{**columns, "tenant_name": name + "!"} for columns in usage[:3]], number=2)
    load(
        warehouse,
        [
            {**columns, "tenant_name": name + "!", "absolute_production": 9, "absolute_total": 9}
            for columns in usage[:3]
        ],
        number=3,
    )

    show(opened, warehouse, tmp_path)

    assert opened.page.evaluate("window.hacked === undefined")
    assert opened.page.locator("body img, body a[href^='javascript'], body b:not(.card b)").count() == 0
    opened.page.locator("input").first.fill(name[:4])
    opened.page.locator("thead button").first.click()
    assert opened.page.evaluate("window.hacked === undefined")
    assert opened.complaints == []
    shown = " ".join((name + "!").split())
    assert shown in " ".join(opened.page.locator("#customers th.name").all_inner_texts()[0].split())
    labels = opened.page.locator("#storage-by-customer tbody th, #storage-by-customer title").all()
    assert len(labels) == 2
    for label in labels:
        assert shown in " ".join((label.text_content() or "").split())


def test_page__month_before_of_other_accounts__not_compared(opened: Opened, tmp_path: Path) -> None:
    warehouse = WarehouseFile(tmp_path / "data")

    def load_other(amount: int, period: BillingPeriod) -> None:
        rows = [row(absolute_production=amount, tenant_id=OTHER_CUSTOMER)]
        load(warehouse, rows, period, number=amount, account="us", root_tenant_id=OTHER_ROOT)

    load(warehouse, [row(absolute_production=5)], PERIODS[1], account="eu")
    load(warehouse, [row(absolute_production=7)], SEPTEMBER, number=2, account="eu")
    load_other(9, SEPTEMBER)

    show(opened, warehouse, tmp_path)

    assert "2026-08 is of other accounts" in opened.text("section.cards")
    assert "against 2026-08" not in opened.text("section.cards")
    assert opened.page.locator("#skus tbody td:nth-child(7)").all_inner_texts() == [""]

    load_other(1, PERIODS[1])
    opened.requests.clear()
    show(opened, warehouse, tmp_path)

    assert "against 2026-08" in opened.text("section.cards")
    assert opened.page.locator("#skus tbody td:nth-child(7)").all_inner_texts() == ["+10"]


def test_page__several_accounts__checks_name_their_account(opened: Opened, tmp_path: Path) -> None:
    warehouse = WarehouseFile(tmp_path / "data")
    load(warehouse, [row(absolute_production=1)], account="eu")
    load(warehouse, [], number=2, account="us", root_tenant_id=OTHER_ROOT)

    show(opened, warehouse, tmp_path)

    (empty,) = (line for line in opened.text("#checks").splitlines() if "the report is empty" in line)
    assert empty.split("\t")[:2] == ["us", "completeness"]
    assert f"of {2 * len(CHECKS)}" in opened.text("section.cards")
    assert opened.complaints == []


def test_page__empty_month__is_written(opened: Opened, tmp_path: Path) -> None:
    warehouse = WarehouseFile(tmp_path / "data")
    load(warehouse, [])

    show(opened, warehouse, tmp_path)

    assert "no billable usage" in opened.text("#skus")
    assert "the report is empty" in opened.text("#checks")
    assert opened.complaints == []


def test_page__thousand_tenants__is_cut_and_says_so(opened: Opened, tmp_path: Path) -> None:
    warehouse = WarehouseFile(tmp_path / "data")
    load(
        warehouse,
        [
            storage(
                tenant_id=f"30000000-0000-4000-8000-00000000{n:04d}",
                tenant_name="same",
                absolute_production=n * GIB,
            )
            for n in range(1, 1001)
        ],
    )

    show(opened, warehouse, tmp_path)

    assert opened.page.locator("#customers .table tbody tr").count() == 300
    assert "The 300 largest of 1,000" in opened.text("#customers")
    assert "the lines of the 150 largest of 1,000 customers" in opened.text("#customers")
    assert opened.page.locator("#customers details").count() == 150
    assert opened.page.locator("#storage-by-customer tbody").count() == 15, "namesakes are not one bar"
    assert (tmp_path / "page.html").stat().st_size <= 300_000


def test_page__content_security_policy__allows_its_own_script_and_style_only(tmp_path: Path) -> None:
    warehouse = WarehouseFile(tmp_path / "data")
    load(warehouse, [row(absolute_production=1)])
    write_month_report(warehouse, SEPTEMBER, tmp_path / "page.html")

    page = (tmp_path / "page.html").read_text(encoding="utf-8")

    (policy,) = re.findall('Content-Security-Policy" content="(.*?)"', page)
    allowed = []
    for tag in ("style", "script"):
        (text,) = re.findall(f"<{tag}.*?>(.*?)</{tag}", page, re.DOTALL)
        allowed.append(f"{tag}-src 'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'")
    assert policy == "; ".join(["default-src 'none'", "base-uri 'none'", "form-action 'none'", *allowed])
    assert not re.search(r"<link| (on[a-z]+|style|src)=", page)


def visible(opened: Opened, rows: str) -> list[str]:
    return [
        " ".join(row.locator("th, td").all_inner_texts())
        for row in opened.page.locator(rows).all()
        if row.is_visible()
    ]


def test_page__search_and_sort__rows_follow(opened: Opened, demo_page: Path) -> None:
    show_page(opened, demo_page)
    rows = "#customers .table tbody tr"
    page, before = opened.page, visible(opened, rows)
    search = page.get_by_role("searchbox", name="Search: Totals by customer")

    search.fill("gmbh PARTNER")
    found = visible(opened, rows)
    assert 0 < len(found) < len(before)
    assert found == [line for line in before if "GmbH" in line and "partner" in line]
    assert page.locator("#customers output").first.inner_text() == f"{len(found)} of {len(before)}"
    search.fill("")
    assert visible(opened, rows) == before

    points = page.locator(f"{rows} td:nth-child(7)")
    headings = page.get_by_role("region", name="Totals by customer").get_by_role("columnheader")
    heading = headings.filter(has_text="Compute points")
    shown = [Decimal(text.replace(",", "").replace("−", "-")) for text in points.all_inner_texts()]
    for order, falls in (("descending", True), ("ascending", False)):
        heading.get_by_role("button").click()
        assert heading.get_attribute("aria-sort") == order
        now = [Decimal(text.replace(",", "").replace("−", "-")) for text in points.all_inner_texts()]
        assert now == sorted(shown, reverse=falls) != shown
    headings.filter(has_text="Kind").get_by_role("button").click()
    kinds = page.locator(f"{rows} td:nth-child(2)").all_inner_texts()
    assert kinds == sorted(kinds)

    details = page.locator("#customers details")
    page.get_by_role("searchbox", name="Search: Lines of each customer").fill("müller")
    (customer,) = [each for each in details.all() if each.is_visible()]
    assert "Bäckerei Müller GmbH" in customer.inner_text()
    assert not customer.get_by_role("table").is_visible()
    customer.locator("summary").click()
    assert customer.get_by_role("table").is_visible()
    assert opened.complaints == []


def test_page__no_script__is_whole(browser: Browser, demo_page: Path) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(demo_page.as_uri())

        assert page.locator("input, button").count() == 0
        assert page.locator("#skus tbody tr").last.is_visible()
        page.locator("#customers a").first.click()
        assert page.locator("#c1").is_visible(), "a link opens the lines of its customer"


def test_write_month_report__impossible__raises_and_writes_nothing(tmp_path: Path) -> None:
    warehouse = WarehouseFile(tmp_path / "data")
    load(warehouse, [row(absolute_production=1)])

    with pytest.raises(WarehouseError, match="2026-08: the period is not loaded"):
        write_month_report(warehouse, SEPTEMBER.previous(), tmp_path / "page.html")
    with pytest.raises(OutputError):
        write_month_report(warehouse, SEPTEMBER, tmp_path / "missing" / "page.html")
    assert {path.name for path in tmp_path.iterdir()} == {"data"}


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (Decimal("1234567.0000000000"), "count", "1,234,567"),
        (Decimal("1000.0000000000"), "count", "1,000"),
        (Decimal("0.5000000000"), "count", "0.5"),
        (Decimal("1234.005"), "GiB", "1,234.01"),
        (Decimal("-0.125"), "compute points", "−0.13"),
        (Decimal("-0.004"), "GiB", "0.00"),
        (Decimal("-1234.50"), "EUR", "−1,234.50"),
        (Decimal("1234.50"), "JPY", "1,235"),
        (Decimal("-11.1"), "%", "−11.1"),
        (None, "count", ""),
    ],
)
def test_amount__quantity__is_readable(value: Decimal | None, unit: str, shown: str) -> None:
    assert amount(value, unit) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(Decimal(3), "+3"), (Decimal(-1200), "−1,200"), (Decimal(0), "±0"), (None, "")]
)
def test_change__difference__has_its_sign(value: Decimal | None, shown: str) -> None:
    assert change(value) == shown
