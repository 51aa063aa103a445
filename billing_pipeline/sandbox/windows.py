"""The days that a report covers; months are running numbers for arithmetic."""

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import NamedTuple

EPOCH = 2015 * 12  # the distributor opened in January 2015; there is no earlier usage


def month_number(day: date) -> int:
    """The running number of the month of `day`: 12 × year + month − 1."""
    return day.year * 12 + day.month - 1


class Point(NamedTuple):
    """The end of a day: `elapsed` of the `length` days of the month are over."""

    month: int
    elapsed: int
    length: int

    @classmethod
    def end_of(cls, day: date) -> "Point":
        """The point in time at which `day` ends."""
        return cls(month_number(day), day.day, calendar.monthrange(day.year, day.month)[1])


@dataclass(frozen=True)
class Window:
    """The days `start` to `end`, both inclusive."""

    start: date
    end: date

    @classmethod
    def of_month(cls, key: str) -> "Window":
        """The whole month `YYYY-MM`.

        Raises:
            ValueError: `key` is not a month.
        """
        first = date.fromisoformat(f"{key}-01")
        return cls(first, first.replace(day=calendar.monthrange(first.year, first.month)[1]))

    @classmethod
    def of_month_until(cls, day: date) -> "Window":
        """The month of `day` up to this day."""
        return cls(day.replace(day=1), day)

    @cached_property
    def opening(self) -> Point:
        """The end of the day before the first day."""
        return Point.end_of(self.start - timedelta(days=1))

    @cached_property
    def closing(self) -> Point:
        """The end of the last day."""
        return Point.end_of(self.end)

    @cached_property
    def months(self) -> range:
        """The months covered and the one before them: a tenant that existed in one of them is listed."""
        return range(month_number(self.start) - 1, self.closing.month + 1)

    def days(self) -> "Iterator[Window]":
        """A window for each day."""
        for offset in range((self.end - self.start).days + 1):
            day = self.start + timedelta(days=offset)
            yield Window(day, day)
