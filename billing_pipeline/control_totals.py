"""Control totals: what must be equal in the raw report and in the table before a month is published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

MEASURES = tuple(
    f"{measure}_{part}"
    for measure in ("absolute", "delta", "effective")
    for part in ("production", "trial", "total")
)


@dataclass(frozen=True, slots=True)
class ControlTotals:
    """Row count and exact sums of one report.

    Args:
        rows: number of usage rows.
        sums: for each measurement unit, the exact sum of each of `MEASURES`, in that unit.
    """

    rows: int
    sums: Mapping[str, Mapping[str, int]]

    def differences(self, other: ControlTotals) -> list[str]:
        """Each total that is not the same in `other`, as `name: ours is not theirs`."""
        found = [f"rows: {self.rows} is not {other.rows}"] if self.rows != other.rows else []
        for unit in sorted({*self.sums, *other.sums}):
            ours, theirs = self.sums.get(unit, {}), other.sums.get(unit, {})
            found += [
                f"{unit} {name}: {ours.get(name, 0)} is not {theirs.get(name, 0)}"
                for name in MEASURES
                if ours.get(name, 0) != theirs.get(name, 0)
            ]
        return found
