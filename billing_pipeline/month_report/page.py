"""The month page: one self-contained HTML file, every value escaped."""

import calendar
from base64 import b64encode
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from hashlib import sha256
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from billing_pipeline.charges.cells import minor_units
from billing_pipeline.files import output_file
from billing_pipeline.month_report.charts import charts
from billing_pipeline.month_report.figures import month_figures
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.sql_files import read_sql
from billing_pipeline.warehouse import Warehouse

_CUSTOMERS_SHOWN = 300
# Decimals by unit; a currency is the unit of an amount.
_DECIMALS = {"GiB": 2, "compute points": 2, "%": 1} | minor_units()


def write_month_report(
    warehouse: Warehouse, period: BillingPeriod, path: Path, *, files: Sequence[str] = ()
) -> None:
    """Write the page of a loaded period.

    Args:
        warehouse: where the period is loaded.
        period: the billing period.
        path: the HTML file; replaced atomically.
        files: names of files beside the page to link, that of billable_usage first; an index is beside them.

    Raises:
        WarehouseError: the period is not loaded.
        OutputError: the file cannot be written.
    """
    with warehouse.reading() as connection:
        figures = month_figures(connection, period)
    write_page(
        "page.html",
        path,
        **figures,
        period=period,
        month=month_name(period),
        month_before=period.previous().key,
        charts=charts(figures["months"], figures["customer_totals"]),
        customers_shown=_CUSTOMERS_SHOWN,
        lines={
            place: list(lines) for place, lines in groupby(figures["customer_lines"], itemgetter("place"))
        },
        files=files,
    )


def write_page(template: str, path: Path, **values: Any) -> None:
    """Write a page of this folder's templates, style sheet and script; replaced atomically.

    Raises:
        OutputError: the file cannot be written.
    """
    page = (
        templates()
        .get_template(template)
        .render(values, style=read_sql("month_report/page.css"), script=read_sql("month_report/page.js"))
    )
    with output_file(path) as partial:
        partial.write_text(page, encoding="utf-8")


@cache
def templates() -> Environment:
    """The templates of this folder, compiled once: that takes longer than to render a page."""
    environment = Environment(
        loader=PackageLoader("billing_pipeline.month_report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"amount": amount, "change": change, "percent": percent, "sha256": _sha256}
    return environment


def month_name(period: BillingPeriod) -> str:
    """A month in words, such as September 2026."""
    return f"{calendar.month_name[period.month]} {period.year}"


def amount(value: Decimal | int | None, unit: str | None = "count") -> str:
    """A quantity or an amount for readers: thousands separators, and the decimals of the unit or currency."""
    if value is None:
        return ""
    exact = Decimal(value)
    if unit in _DECIMALS:
        # Zero is added, because it drops the sign of what is rounded to zero.
        shown = exact.quantize(Decimal(1).scaleb(-_DECIMALS[unit]), ROUND_HALF_UP) + 0
    else:
        shown = exact.to_integral_value() if exact == exact.to_integral_value() else exact.normalize()
    return f"{shown:,f}".replace("-", "−")


def change(value: Decimal | float | None, unit: str | None = "count") -> str:
    """A difference with its sign; empty for None."""
    if not value:
        return "" if value is None else "±0"
    return ("+" if value > 0 else "") + amount(Decimal(value), unit)


def percent(part: Decimal | None, whole: Decimal) -> str:
    """A share in percent, without the sign; empty if there is no part or no whole."""
    return amount(100 * part / whole, "%") if part is not None and whole > 0 else ""


def _sha256(text: str) -> str:
    """A hash as a Content Security Policy states it."""
    return b64encode(sha256(text.encode()).digest()).decode()
