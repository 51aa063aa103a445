"""The plots of the page, as Plotly figures in JSON.

A plot is a picture of figures that the tables give exactly: only here, and only to be drawn, do they
become binary floats. Plotly reads a little HTML in texts, so that names are escaped.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from html import escape
from typing import Any

import plotly.graph_objects as go

from billing_pipeline.month_report.figures import MonthFigures, Row
from billing_pipeline.periods import BillingPeriod

_COLOURS = {"acronis": "#0f62a5", "partner": "#e08a1e", "local": "#9aa5b1", "points": "#3d8b6d"}
_TENANTS_SHOWN = 15
_NAME_LENGTH = 34
_INVISIBLE = "\u200b"


@dataclass(frozen=True, slots=True)
class Chart:
    """One plot.

    Args:
        name: id of its element in the page.
        title: what it shows, in words; for those who cannot see it, too.
        figure: `data` and `layout` for `Plotly.newPlot`.
    """

    name: str
    title: str
    figure: dict[str, Any]


def charts(figures: MonthFigures) -> list[Chart]:
    """Every plot of the month that has something to show."""
    found = [
        _storage_trend(figures),
        _compute_point_trend(figures),
        _storage_by_customer(figures),
        _compute_points_by_customer(figures),
    ]
    return [chart for chart in found if chart is not None]


def _storage_trend(figures: MonthFigures) -> Chart | None:
    keys = [BillingPeriod.containing(row["billing_period"]).key for row in figures.months]
    names = {
        "acronis_gib": "on Acronis' storage",
        "partner_gib": "on partners' storage",
        "local_gib": "local",
    }
    bars = [
        _bar(keys, figures.months, column, name, _COLOURS[column.removesuffix("_gib")])
        for column, name in names.items()
        if any(row[column] for row in figures.months)
    ]
    if not bars:
        return None
    return _chart("storage-trend", "Storage at the end of each month, GiB", bars, barmode="stack")


def _compute_point_trend(figures: MonthFigures) -> Chart | None:
    if not any(row["compute_points"] for row in figures.months):
        return None
    keys = [BillingPeriod.containing(row["billing_period"]).key for row in figures.months]
    bar = _bar(keys, figures.months, "compute_points", "compute points", _COLOURS["points"])
    return _chart("compute-point-trend", "Disaster Recovery compute points of each month", [bar])


def _storage_by_customer(figures: MonthFigures) -> Chart | None:
    largest = sorted(
        (row for row in figures.customers if row["acronis_gib"] or row["partner_gib"]),
        key=lambda row: row["acronis_gib"] + row["partner_gib"],
    )[-_TENANTS_SHOWN:]
    if not largest:
        return None
    bars = [
        _bar(
            _names(largest), largest, "acronis_gib", "on Acronis' storage", _COLOURS["acronis"], sideways=True
        ),
        _bar(
            _names(largest),
            largest,
            "partner_gib",
            "on partners' storage",
            _COLOURS["partner"],
            sideways=True,
        ),
    ]
    return _chart(
        "storage-by-customer", "The largest tenants by storage, GiB", bars, barmode="stack", tall=True
    )


def _compute_points_by_customer(figures: MonthFigures) -> Chart | None:
    largest = sorted(
        (row for row in figures.customers if row["compute_points"]), key=lambda row: row["compute_points"]
    )[-_TENANTS_SHOWN:]
    if not largest:
        return None
    bar = _bar(
        _names(largest), largest, "compute_points", "compute points", _COLOURS["points"], sideways=True
    )
    return _chart("compute-points-by-customer", "The largest tenants by compute points", [bar], tall=True)


def _names(rows: list[Row]) -> list[str]:
    """One distinct label a tenant: names are cut, and namesakes told apart."""
    seen: Counter[str] = Counter()
    labels = []
    for row in rows:
        name = " ".join((row["tenant_name"] or "no name").split())
        cut = name if len(name) <= _NAME_LENGTH else name[: _NAME_LENGTH - 1] + "…"
        labels.append(escape(cut, quote=False) + _INVISIBLE * seen[cut])
        seen[cut] += 1
    return labels


def _bar(
    labels: list[str], rows: list[Row], column: str, name: str, colour: str, *, sideways: bool = False
) -> go.Bar:
    values = [float(row[column]) for row in rows]
    x, y = (values, labels) if sideways else (labels, values)
    label, value = ("y", "x") if sideways else ("x", "y")
    return go.Bar(
        x=x,
        y=y,
        orientation="h" if sideways else "v",
        name=name,
        marker_color=colour,
        hovertemplate=f"%{{{label}}}: %{{{value}:,.2f}} {escape(name)}<extra></extra>",
    )


def _chart(name: str, title: str, bars: list[go.Bar], *, barmode: str = "group", tall: bool = False) -> Chart:
    figure = go.Figure(bars)
    category = "yaxis" if tall else "xaxis"
    figure.update_layout(
        template="plotly_white",
        barmode=barmode,
        height=460 if tall else 320,
        margin={"l": 10, "r": 10, "t": 40 if len(bars) > 1 else 10, "b": 10},
        font={"family": "system-ui, sans-serif", "size": 13},
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "traceorder": "normal"},
        # Names that look like numbers or dates stay names.
        **{category: {"type": "category", "automargin": True}},
    )
    return Chart(name, title, json.loads(figure.to_json()))
