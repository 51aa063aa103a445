"""Control totals of a report in Python integers, for comparison with a loaded month.

Computed without a report file, so an error in rendering, downloading or loading a report shows as a
difference.
"""

from collections import Counter
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
    units: dict[str, Counter[str]] = {}
    points = dict.fromkeys(("production", "trial", "total"), Decimal(0))
    for _, block in report_rows(distributor, selection):
        for row in block:
            unit = row.item.measurement_unit or "quantity"
            sums = units.setdefault(unit, Counter())
            sums["rows"] += 1
            for measure, parts in row.usage.items():
                for part, quantity in parts.items():
                    sums[f"{measure}_{part}"] += quantity
                    if unit == "seconds" and measure == "delta":
                        points[part] += compute_points(quantity)
    return {
        "rows": sum(sums["rows"] for sums in units.values()),
        "units": dict(sorted(units.items())),
        "dr_compute_points": {part: str(value.quantize(_CENT)) for part, value in points.items()},
    }
