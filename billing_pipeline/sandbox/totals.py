"""Control totals of a report in plain Python integers, to compare a loaded month with.

No report file is involved, so an error in writing, downloading or loading a report shows as a difference.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from billing_pipeline.sandbox.distributor import Distributor
from billing_pipeline.sandbox.report_rows import ReportSelection, report_rows

_CENT = Decimal("0.01")


def compute_points(seconds: int) -> Decimal:
    """Seconds of Disaster Recovery as compute points: hours, rounded half away from zero to 2 decimals."""
    # ROUND_HALF_UP of Decimal is away from zero, and its default 28 digits hold any real quantity.
    return (Decimal(seconds) / 3600).quantize(_CENT, rounding=ROUND_HALF_UP)


def report_totals(distributor: Distributor, selection: ReportSelection) -> dict[str, object]:
    """Row count, sums of each measure by unit, and compute points rounded row by row.

    Returns:
        `rows`; `units`, with `rows` and the nine measures as integers for each of `bytes`, `seconds` and
        `quantity` that occurs; `dr_compute_points` with `production`, `trial` and `total` as decimal strings.
    """
    rows = 0
    units: dict[str, dict[str, int]] = {}
    points = {"production": Decimal(0), "trial": Decimal(0), "total": Decimal(0)}
    for _, block in report_rows(distributor, selection):
        for row in block:
            rows += 1
            unit = row.item.measurement_unit or "quantity"
            sums = units.setdefault(unit, {"rows": 0})
            sums["rows"] += 1
            absolute = (row.absolute_production, row.absolute_trial)
            delta = (row.delta_production, row.delta_trial)
            effective = delta if row.item.is_range else absolute
            for measure, (production, trial) in (
                ("absolute", absolute),
                ("delta", delta),
                ("effective", effective),
            ):
                for part, value in (
                    ("production", production),
                    ("trial", trial),
                    ("total", production + trial),
                ):
                    name = f"{measure}_{part}"
                    sums[name] = sums.get(name, 0) + value
            if unit == "seconds":
                points["production"] += compute_points(delta[0])
                points["trial"] += compute_points(delta[1])
                points["total"] += compute_points(delta[0] + delta[1])
    return {
        "rows": rows,
        "units": dict(sorted(units.items())),
        "dr_compute_points": {part: str(value.quantize(_CENT)) for part, value in points.items()},
    }
