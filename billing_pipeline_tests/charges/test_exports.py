"""Charges, invoices and FOCUS files, as other programs read them."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import duckdb
import openpyxl
import pytest

from billing_pipeline_tests.charges.books import AUGUST, A, B, Books, C, count, gib, price
from billing_pipeline_tests.warehouse.reports import SEPTEMBER

ISSUER = "Example MSP Ltd"
CENT = Decimal("0.01")


@pytest.fixture
def issuer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BILLING_INVOICE_ISSUER", ISSUER)


def exported(books: Books, table: str, file_format: str = "csv", *options: str) -> Path:
    path = books.data_dir / f"{table}.{file_format}"
    where = ("--period", "2026-09", "--table", table, "--format", file_format, "--output", str(path))
    books.run("export", *where, *options)
    return path


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def focus(month_end: Books, issuer: None) -> list[dict[str, str]]:
    """September's FOCUS file."""
    return rows(exported(month_end, "focus"))


@pytest.mark.parametrize("table", ["invoice_line", "invoice", "focus"])
def test_export__month_not_closed__says_where_invoices_come_from(
    books: Books, issuer: None, table: str
) -> None:
    books.usage(gib("1"))

    out, err = books.run("export", "--period", "2026-09", "--table", table, "--output", f"{books.data_dir}/")

    assert ": 0 rows of " in out[0]
    assert err == ["warning: 2026-09 has no invoices: they come with billing-pipeline close"]


def test_export__invoice_lines__add_up_to_invoices(month_end: Books) -> None:
    lines = rows(exported(month_end, "invoice_line"))
    invoices = rows(exported(month_end, "invoice"))

    totals: dict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        totals[line["tenant_id"]] += Decimal(line["amount"])
    assert totals == {invoice["tenant_id"]: Decimal(invoice["amount"]) for invoice in invoices}
    assert [(invoice["tenant_name"], invoice["amount"]) for invoice in invoices] == [
        ("Alder IT", "590.16"),
        ("Birch Ltd", "6.30"),
        ("Cedar Inc", "50.00"),
    ]


def test_export__voided_lines__are_left_out(month_end: Books) -> None:
    month_end.run("reopen", "--period", "2026-09", "--void")

    for table in ("invoice_line", "invoice"):
        assert rows(exported(month_end, table)) == []


def test_export__charge_and_margin__only_of_the_period(books: Books) -> None:
    for period, usage in ((AUGUST, "5"), (SEPTEMBER, "7")):
        books.usage(gib(usage), gib("1", "OTHER"), period=period)
    books.write_prices(price("PGSTRG", "0.06"), name="buy.csv")
    books.sell(price("PGSTRG", "0.10"))

    (charge,), (margin,), (unpriced,) = (
        rows(exported(books, table)) for table in ("charge", "margin", "unpriced_usage")
    )

    assert (charge["charge_period"], charge["quantity"], charge["amount"]) == ("2026-09-01", "7.00", "0.70")
    assert (margin["amount"], margin["cost"], margin["margin_percent"]) == ("0.70", "0.420000000000", "40.0")
    assert (unpriced["sku"], unpriced["quantity"], unpriced["reason"]) == ("OTHER", "1.00", "no price")


def test_export_xlsx__invoice_lines__texts_and_amounts(books: Books) -> None:
    names = {A: "Müller & Söhne", B: "=1+1", C: "00149"}
    books.usage(
        *(gib("1.5", tenant_id=t, tenant_name=name, customer_id="00149") for t, name in names.items())
    )
    books.sell(price("PGSTRG", "0.10", description="Größe: 1 GiB"))
    books.close(SEPTEMBER)

    (sheet,) = openpyxl.load_workbook(exported(books, "invoice_line", "xlsx")).worksheets
    header, *found = sheet.values

    lines = [dict(zip(map(str, header), values, strict=True)) for values in found]
    assert {line["tenant_id"]: line["tenant_name"] for line in lines} == names
    assert {(line["customer_id"], line["description"]) for line in lines} == {("00149", "Größe: 1 GiB")}
    assert {(line["quantity"], line["unit_price"], line["amount"]) for line in lines} == {(1.5, 0.1, 0.15)}


def test_export_focus__month_end__sums_are_the_invoices(focus: list[dict[str, str]]) -> None:
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for line in focus:
        totals[line["InvoiceId"]] += Decimal(line["BilledCost"])

    assert totals == {
        f"2026-09/{A}": Decimal("590.16"),
        f"2026-09/{B}": Decimal("6.30"),
        f"2026-09/{C}": Decimal("50.00"),
    }


def test_export_focus__usage_lines__price_times_quantity(focus: list[dict[str, str]]) -> None:
    usage = [line for line in focus if line["ChargeCategory"] == "Usage"]

    assert len(usage) == 12
    for line in usage:
        quantity = Decimal(line["PricingQuantity"])
        contracted = quantity * Decimal(line["ContractedUnitPrice"])
        assert Decimal(line["ContractedCost"]) == contracted
        assert Decimal(line["ListCost"]) == quantity * Decimal(line["ListUnitPrice"])
        assert abs(Decimal(line["BilledCost"]) - contracted) <= CENT / 2
        assert line["EffectiveCost"] == line["BilledCost"]
        assert (line["ConsumedQuantity"], line["ConsumedUnit"]) == (
            line["PricingQuantity"],
            line["PricingUnit"],
        )


def test_export_focus__correction__line_by_line(focus: list[dict[str, str]]) -> None:
    (line,) = (line for line in focus if line["BilledCost"] == "131.54")

    assert line == {
        "BillingPeriodStart": "2026-09-01T00:00:00Z",
        "BillingPeriodEnd": "2026-10-01T00:00:00Z",
        "ChargePeriodStart": "2026-08-01T00:00:00Z",
        "ChargePeriodEnd": "2026-09-01T00:00:00Z",
        "ProviderName": ISSUER,
        "InvoiceIssuerName": ISSUER,
        "PublisherName": "Acronis International GmbH",
        "InvoiceId": f"2026-09/{A}",
        "BillingAccountId": A,
        "BillingAccountName": "Alder IT",
        "BillingAccountType": "Customer",
        "SubAccountId": A,
        "SubAccountName": "Alder IT",
        "SubAccountType": "Tenant",
        "BillingCurrency": "EUR",
        "ChargeCategory": "Usage",
        "ChargeClass": "Correction",
        "ChargeDescription": "ACRCLST",
        "ChargeFrequency": "Usage-Based",
        "BilledCost": "131.54",
        "EffectiveCost": "131.54",
        "ContractedCost": "131.544805000000",
        "ListCost": "142.210600000000",
        "ContractedUnitPrice": "0.0647500000",
        "ListUnitPrice": "0.070000",
        "PricingCategory": "Standard",
        "PricingQuantity": "2031.58",
        "PricingUnit": "GiB",
        "ConsumedQuantity": "2031.58",
        "ConsumedUnit": "GiB",
        "CommitmentDiscountStatus": "",
        "ServiceName": "Acronis Cyber Protect Storage",
        "ServiceCategory": "Storage",
        "ServiceSubcategory": "Backup Storage",
        "SkuId": "ACRCLST",
        "SkuMeter": "storage",
        "SkuPriceId": "ACRCLST/acronis/5000.00",
        "SkuPriceDetails": "",
        "Tags": "{}",
        "x_OfferingItem": "storage",
        "x_StorageOwnership": "acronis",
        "x_ReportId": "00000000-0000-0000-0000-000000000002",
    }


def test_export_focus__minimum__is_adjustment_without_quantity(focus: list[dict[str, str]]) -> None:
    (line,) = (line for line in focus if line["BilledCost"] == "13.48")

    blank = (
        "PricingQuantity PricingUnit ConsumedQuantity ConsumedUnit SkuId SkuMeter SkuPriceId ListUnitPrice"
        " ContractedUnitPrice PricingCategory ChargeClass x_OfferingItem"
    )
    assert [line[name] for name in blank.split()] == [""] * 12
    assert (line["ChargeCategory"], line["ChargeFrequency"]) == ("Adjustment", "Recurring")
    assert {line[name] for name in ("ContractedCost", "ListCost")} == {"13.480000000000"}
    assert line["ServiceName"] == "Minimum monthly charge"


def test_export_focus__items__have_one_service_each(books: Books, issuer: None) -> None:
    items = {
        "dr_cloud_servers": "Acronis Disaster Recovery",
        "p_dre_dr_internet_access": "Acronis Disaster Recovery",
        "pw_public_ips": "Acronis Disaster Recovery",
        "dre_vms": "Acronis Workload Protection",
        "pg_o365_seats": "Acronis Workload Protection",
        "p_adv_child_storages": "Acronis Workload Protection",
        "local_storage": "Acronis Cyber Protect Storage",
        "dre_dr_storage": "Acronis Disaster Recovery",
    }
    stored = {item for item in items if item.endswith("_storage")}
    books.usage(
        *(
            gib("1", None, offering_item=item) if item in stored else count(1, offering_item=item)
            for item in items
        )
    )
    books.sell(
        *(price("", "1", offering_item=item, unit="GiB" if item in stored else "count") for item in items)
    )
    books.close(SEPTEMBER)

    found = rows(exported(books, "focus"))

    assert {line["x_OfferingItem"]: line["ServiceName"] for line in found} == items
    assert {line["PricingUnit"] for line in found} == {"Units", "GiB"}
    assert (
        len({(line["ServiceName"], line["ServiceCategory"], line["ServiceSubcategory"]) for line in found})
        == 3
    )


def test_export_focus__currency_changed__correction_is_an_invoice_of_its_own(
    books: Books, issuer: None
) -> None:
    for period in (AUGUST, SEPTEMBER):
        books.usage(gib("100"), period=period)
    books.sell(
        price("PGSTRG", "0.09", valid_to="2026-08"),
        price("PGSTRG", "0.10", valid_from="2026-09", currency="USD"),
    )
    books.close(AUGUST)
    books.restate(gib("200"), period=AUGUST)
    books.close(SEPTEMBER)

    found = rows(exported(books, "focus"))

    totals: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for line in found:
        totals[line["InvoiceId"], line["BillingCurrency"]] += Decimal(line["BilledCost"])
    assert totals == {(f"2026-09/{A}/EUR", "EUR"): 9, (f"2026-09/{A}/USD", "USD"): 10}


def test_export_focus__version_1_4__passes_the_linter(month_end: Books, issuer: None) -> None:
    path = exported(month_end, "focus", "csv", "--focus-version", "1.4")
    lint: list[str | Path] = [Path(sys.executable).with_name("focus-toolkit"), "validate", path]

    done = subprocess.run(lint, capture_output=True, text=True, check=False)
    assert (done.returncode, "STRUCTURAL_VALID, SEMANTIC_VALID" in done.stdout) == (0, True), done.stdout

    header = path.read_text(encoding="utf-8").split("\n", 1)[0].split(",")
    assert {"ServiceProviderName", "HostProviderName"} < set(header)
    assert not {"ProviderName", "PublisherName"} & set(header)
    path.write_text(path.read_text(encoding="utf-8").replace(",Usage,", ",Use,"), encoding="utf-8")
    assert subprocess.run(lint, capture_output=True, check=False).returncode == 1


def test_export_focus__parquet__exact_decimals_and_utc(month_end: Books, issuer: None) -> None:
    path = exported(month_end, "focus", "parquet")

    described = duckdb.execute(f"DESCRIBE FROM '{path}'").fetchall()

    kinds = {name: kind for name, kind, *_ in described}
    assert kinds["BilledCost"] == "DECIMAL(18,2)"
    assert kinds["ContractedCost"] == kinds["ListCost"] == "DECIMAL(38,12)"
    assert kinds["BillingPeriodStart"] == "TIMESTAMP WITH TIME ZONE"
    assert "DOUBLE" not in kinds.values()


def test_export_focus__no_issuer__is_refused(month_end: Books) -> None:
    _, err = month_end.run("export", "--period", "2026-09", "--table", "focus", status=1)

    assert "BILLING_INVOICE_ISSUER is not set" in err[0]


def test_focus_view__sql__has_all_lines(month_end: Books) -> None:
    assert month_end.ask("SELECT count(*) FROM focus_cost_and_usage") == [(24,)]
    september = "TIMESTAMPTZ '2026-09-01 00:00:00+00'"
    of_month = month_end.ask("FROM focus_cost_and_usage_in(DATE '2026-09-01') ORDER BY ALL")
    assert 0 < len(of_month) < 24
    assert of_month == month_end.ask(
        f"FROM focus_cost_and_usage WHERE BillingPeriodStart = {september} ORDER BY ALL"
    )
