"""The page's bar charts: labels, exact values, and each bar's length as a share of the longest one."""

from decimal import Decimal
from itertools import accumulate
from typing import Any, NamedTuple

from billing_pipeline.month_report.figures import Row
from billing_pipeline.periods import BillingPeriod

_TENANTS_SHOWN = 15


class Series(NamedTuple):
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


_ACRONIS = Series("acronis_gib", "on Acronis’ storage", "GiB", "acronis")
_PARTNER = Series("partner_gib", "on partners’ storage", "GiB", "partner")
_LOCAL = Series("local_gib", "local", "GiB", "local")
_POINTS = Series("compute_points", "compute points", "compute points", "points")
_OF_MONTHS = (
    ("storage-trend", "Storage at the end of each month, GiB", (_ACRONIS, _PARTNER, _LOCAL)),
    ("compute-point-trend", "Disaster Recovery compute points of each month", (_POINTS,)),
)
_OF_TENANTS = (
    ("storage-by-customer", "The largest tenants by storage, GiB", (_ACRONIS, _PARTNER)),
    ("compute-points-by-customer", "The largest tenants by compute points", (_POINTS,)),
)


def charts(months: list[Row], customers: list[Row]) -> list[dict[str, Any]]:
    """Every chart of the month that has something to show, as the template reads it.

    Args:
        months: totals of each month.
        customers: totals of each customer in the month.

    Returns:
        Of each chart: id and title, the name of its rows, its series, and the bars. A bar has a label and
        segments of series, value, start and length; these two are percentages of the longest bar.
    """
    by_month = [(BillingPeriod.containing(row["billing_period"]).key, row) for row in months]
    found = [_chart(name, title, "Month", by_month, series) for name, title, series in _OF_MONTHS]
    found += [
        _chart(name, title, "Tenant", _largest(customers, series), series)
        for name, title, series in _OF_TENANTS
    ]
    return [chart for chart in found if chart["series"]]


def _largest(customers: list[Row], series: tuple[Series, ...]) -> list[tuple[str, Row]]:
    """The customers with the largest sums of `series`, the largest first."""

    def size(row: Row) -> Decimal:
        return sum((Decimal(row[one.column]) for one in series), Decimal())

    largest = sorted(filter(size, customers), key=size, reverse=True)[:_TENANTS_SHOWN]
    return [(row["tenant_name"] or "no name", row) for row in largest]


def _chart(
    name: str, title: str, category: str, rows: list[tuple[str, Row]], series: tuple[Series, ...]
) -> dict[str, Any]:
    """The chart of `rows`, without the series that are zero everywhere."""
    shown = [one for one in series if any(row[one.column] for _, row in rows)]
    # A quantity below zero has no bar, only its value.
    lengths = [[max(Decimal(row[one.column]), Decimal()) for one in shown] for _, row in rows]
    longest = max(map(sum, lengths), default=0) or Decimal(1)
    bars = []
    for (label, row), parts in zip(rows, lengths, strict=True):
        percent = [round(100 * part / longest, 2) for part in parts]
        values = [row[one.column] for one in shown]
        starts = accumulate(percent, initial=Decimal())
        bars.append((label, list(zip(shown, values, starts, percent, strict=False))))
    return {"name": name, "title": title, "category": category, "series": shown, "bars": bars}
