"""Running control totals, and the position in the report."""

from collections.abc import Mapping
from typing import Any

from billing_pipeline.normalize.fields import DECIMALS, EMPTY_UNIT, MEASURE_FIELDS, UNIT, UNITS
from billing_pipeline.reports import MEASURES, ControlTotals, exact_number

SCALE = 10**DECIMALS
"""Sums are integers: the smallest amount that a measure can differ by is 1."""


class Totals:
    """Running control totals, from the row behind `rows` rows."""

    def __init__(self, rows: int = 0) -> None:
        self.rows = rows
        self.elements = 0
        self._sums: dict[str, list[int]] = {}

    @property
    def next_row(self) -> str:
        """The row that follows, as a message names it."""
        return f"row {self.rows + 1}"

    @property
    def next_element(self) -> str:
        """The element that follows, as a message names it."""
        return f"element {self.elements + 1} of 'tenants'"

    def for_unit(self, unit: str | None) -> list[int]:
        """The sums of a measurement unit, in the order of `MEASURES`, each times `SCALE`."""
        return self._sums.setdefault(_known(unit or ""), [0] * len(MEASURES))

    def add_row(self, values: Mapping[str, Any]) -> None:
        """Add a row.

        Args:
            values: of its fields, by dotted name, as `Kind.held` gives them.
        """
        self.rows += 1
        sums = self.for_unit(values[UNIT])
        for index, field in enumerate(MEASURE_FIELDS):
            whole, _, fraction = (values[field.name] or "0").partition(".")
            sums[index] += int(whole + fraction.ljust(DECIMALS, "0"))

    def result(self) -> ControlTotals:
        """The control totals so far."""
        return ControlTotals(
            self.rows,
            {
                unit: {
                    name: exact_number(f"{total}e-{DECIMALS}")
                    for name, total in zip(MEASURES, sums, strict=True)
                }
                for unit, sums in self._sums.items()
            },
        )


def _known(unit: str) -> str:
    """The unit under the name that the table has for it."""
    plain = unit.strip(" \t\r\n").lower()
    if plain in {"", "n/a"}:
        return EMPTY_UNIT
    return plain if plain in UNITS else unit
