"""The reported period as the sandbox computes with it: months as numbers, days as fractions of a month."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import NamedTuple

EPOCH = 2015 * 12  # the distributor opened in January 2015; nothing was used before


def month_number(day: date) -> int:
    """Running number of the month that `day` lies in."""
    return day.year * 12 + day.month - 1


class Point(NamedTuple):
    """The end of a day: `elapsed` of the month's `length` days are over."""

    month: int
    elapsed: int
    length: int

    @classmethod
    def end_of(cls, day: date) -> Point:
        """The point in time at which `day` is over."""
        return cls(month_number(day), day.day, calendar.monthrange(day.year, day.month)[1])


@dataclass(frozen=True)
class Window:
    """The days `start` to `end`, both inclusive."""

    start: date
    end: date

    @classmethod
    def of_month(cls, key: str) -> Window:
        """The whole month `YYYY-MM`.

        Raises:
            ValueError: it is not a month.
        """
        first = date.fromisoformat(f"{key}-01")
        return cls(first, first.replace(day=calendar.monthrange(first.year, first.month)[1]))

    @cached_property
    def opening(self) -> Point:
        """The end of the day before."""
        return Point.end_of(self.start - timedelta(days=1))

    @cached_property
    def closing(self) -> Point:
        """The end of the last day."""
        return Point.end_of(self.end)

    @cached_property
    def is_month(self) -> bool:
        """True for exactly one calendar month."""
        return (
            self.start.day == 1
            and self.closing.month == month_number(self.start)
            and self.closing.elapsed == self.closing.length
        )

    @cached_property
    def months(self) -> range:
        """The months that decide who is listed: those covered, and the one before the first day."""
        return range(month_number(self.start) - 1, self.closing.month + 1)

    def days(self) -> Iterator[Window]:
        """A window for each day."""
        for offset in range((self.end - self.start).days + 1):
            day = self.start + timedelta(days=offset)
            yield Window(day, day)
