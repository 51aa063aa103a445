"""The page's bar charts: labels, exact values, and each bar's length as a share of the longest one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate

from billing_pipeline.month_report.figures import MonthFigures, Row
from billing_pipeline.periods import BillingPeriod

_TENANTS_SHOWN = 15


@dataclass(frozen=True, slots=True)
class Series:
    """One quantity that a chart shows.

    Args:
        column: of the figures' rows.
        name: in words.
        unit: of the quantity, as the filter `amount` knows it.
        colour: class of its bars in the page's style sheet.
    """

    column: str
    name: str
    unit: str
    colour: str


@dataclass(frozen=True, slots=True)
class Segment:
    """One series' part of a stacked bar; `start` and `length` are percentages of the longest bar."""

    series: Series
    value: Decimal
    start: Decimal
    length: Decimal


@dataclass(frozen=True, slots=True)
class Chart:
    """A table whose rows have a bar each.

    Args:
        name: id of its element in the page.
        title: what it shows, in words.
        category: what a row is, in words.
        bars: label and segments of each row.
    """

    name: str
    title: str
    category: str
    series: Sequence[Series]
    bars: Sequence[tuple[str, list[Segment]]]


_ACRONIS = Series("acronis_gib", "on Acronis’ storage", "GiB", "acronis")
_PARTNER = Series("partner_gib", "on partners’ storage", "GiB", "partner")
_LOCAL = Series("local_gib", "local", "GiB", "local")
_POINTS = Series("compute_points", "compute points", "compute points", "points")


def charts(figures: MonthFigures) -> list[Chart]:
    """Every chart of the month that has something to show."""
    months = [(BillingPeriod.containing(row["billing_period"]).key, row) for row in figures.months]
    by_storage = _largest(figures.customers, _ACRONIS, _PARTNER)
    by_points = _largest(figures.customers, _POINTS)
    found = [
        _chart(
            "storage-trend",
            "Storage at the end of each month, GiB",
            "Month",
            months,
            _ACRONIS,
            _PARTNER,
            _LOCAL,
        ),
        _chart(
            "compute-point-trend", "Disaster Recovery compute points of each month", "Month", months, _POINTS
        ),
        _chart(
            "storage-by-customer",
            "The largest tenants by storage, GiB",
            "Tenant",
            by_storage,
            _ACRONIS,
            _PARTNER,
        ),
        _chart(
            "compute-points-by-customer",
            "The largest tenants by compute points",
            "Tenant",
            by_points,
            _POINTS,
        ),
    ]
    return [chart for chart in found if chart.series]


def _largest(customers: list[Row], *series: Series) -> list[tuple[str, Row]]:
    """The customers with the largest sums of `series`, the largest first."""

    def size(row: Row) -> Decimal:
        return sum((Decimal(row[one.column]) for one in series), Decimal())

    largest = sorted((row for row in customers if size(row)), key=size, reverse=True)[:_TENANTS_SHOWN]
    return [(row["tenant_name"] or "no name", row) for row in largest]


def _chart(name: str, title: str, category: str, rows: list[tuple[str, Row]], *series: Series) -> Chart:
    """The chart of `rows`, without the series that are zero everywhere."""
    shown = [one for one in series if any(row[one.column] for _, row in rows)]
    # A quantity below zero has no bar, only its value.
    lengths = [[max(Decimal(row[one.column]), Decimal()) for one in shown] for _, row in rows]
    longest = max(map(sum, lengths), default=0) or Decimal(1)
    bars = []
    for (label, row), parts in zip(rows, lengths, strict=True):
        percent = [round(100 * part / longest, 2) for part in parts]
        starts = accumulate(percent, initial=Decimal())
        segments = [
            Segment(one, row[one.column], start, length)
            for one, start, length in zip(shown, starts, percent, strict=False)
        ]
        bars.append((label, segments))
    return Chart(name, title, category, shown, bars)
