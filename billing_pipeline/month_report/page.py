"""The month page: one self-contained HTML file, every value escaped."""

from __future__ import annotations

import calendar
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from billing_pipeline.files import output_file
from billing_pipeline.month_report.charts import charts
from billing_pipeline.month_report.figures import month_figures
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.warehouse import Warehouse

_CUSTOMERS_SHOWN = 300
_DECIMALS = {"GiB": Decimal("0.01"), "compute points": Decimal("0.01")}


def write_month_report(warehouse: Warehouse, period: BillingPeriod, path: Path) -> None:
    """Write the page of a loaded period.

    Args:
        warehouse: where the period is loaded.
        period: the billing period.
        path: the HTML file; replaced atomically.

    Raises:
        WarehouseError: the period is not loaded.
        OutputError: the file cannot be written.
    """
    with warehouse.reading() as connection:
        figures = month_figures(connection, period)
    environment = Environment(
        loader=PackageLoader("billing_pipeline.month_report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"amount": amount, "change": change}
    page = environment.get_template("page.html").render(
        **figures,
        period=period,
        month=f"{calendar.month_name[period.month]} {period.year}",
        month_before=period.previous().key,
        charts=charts(figures["months"], figures["customer_totals"]),
        customers_shown=_CUSTOMERS_SHOWN,
    )
    with output_file(path) as partial:
        partial.write_text(page, encoding="utf-8")


def amount(value: Decimal | int | None, unit: str = "count") -> str:
    """A quantity for readers: thousands separators; two decimals for GiB and compute points."""
    if value is None:
        return ""
    exact = Decimal(value)
    if unit in _DECIMALS:
        return f"{exact.quantize(_DECIMALS[unit], ROUND_HALF_UP):,f}"
    return f"{exact.to_integral_value() if exact == exact.to_integral_value() else exact.normalize():,f}"


def change(value: Decimal | int | None, unit: str = "count") -> str:
    """A difference with its sign; empty for None."""
    if not value:
        return "" if value is None else "±0"
    return ("+" if value > 0 else "−") + amount(abs(Decimal(value)), unit)
