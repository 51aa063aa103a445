"""Billing periods: the calendar month (UTC) as a value, alone and together with an account.

Acronis bills and reports by month; a SKU report must cover a full month, and its `end` is inclusive.
"""

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import NamedTuple

from billing_pipeline.errors import PeriodError

SINGLE_ACCOUNT = "default"
"""Name of the account whose settings, assets and folders have no prefix: usually the only account."""

_KEY = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")


@dataclass(frozen=True, order=True, slots=True)
class BillingPeriod:
    """One calendar month, written `YYYY-MM`."""

    year: int
    month: int

    @classmethod
    def parse(cls, key: str) -> "BillingPeriod":
        """Read a period key such as `2026-09`.

        Raises:
            PeriodError: it is not `YYYY-MM`.
        """
        match = _KEY.fullmatch(key)
        if match is None or match[1] == "0000":
            raise PeriodError(
                f"{key!r} is not a billing period", todo="Write it as YYYY-MM, for example 2026-09."
            )
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def containing(cls, day: date) -> "BillingPeriod":
        """The period that contains `day`."""
        return cls(day.year, day.month)

    @classmethod
    def last_complete(cls, now: datetime | None = None) -> "BillingPeriod":
        """The latest period that has ended by `now` (aware; default: the current time)."""
        return cls.containing((now or datetime.now(UTC)).astimezone(UTC).date()).previous()

    @property
    def key(self) -> str:
        """`YYYY-MM`: the Dagster partition key."""
        return f"{self.year:04d}-{self.month:02d}"

    @property
    def start(self) -> date:
        """First day."""
        return date(self.year, self.month, 1)

    @property
    def end(self) -> date:
        """Last day, inclusive as in the API."""
        return date(self.year, self.month, calendar.monthrange(self.year, self.month)[1])

    def require_ended(self) -> None:
        """Raise unless the period has ended.

        Raises:
            PeriodError: the period has not ended, so its usage is not final.
        """
        if self > (last := self.last_complete()):
            raise PeriodError(
                "the period has not ended, so its usage is not final",
                todo=f"The last period that has ended is {last}.",
                period=self.key,
            )

    def next(self) -> "BillingPeriod":
        """The month after."""
        return BillingPeriod(self.year + self.month // 12, self.month % 12 + 1)

    def previous(self) -> "BillingPeriod":
        """The month before."""
        return BillingPeriod(self.year - (self.month == 1), (self.month - 2) % 12 + 1)

    def __str__(self) -> str:
        return self.key


def periods_between(first: BillingPeriod, last: BillingPeriod) -> Iterator[BillingPeriod]:
    """Every period from `first` to `last`, both inclusive."""
    period = first
    while period <= last:
        yield period
        period = period.next()


def named_account(account: str) -> str | None:
    """An account's name in messages; None for `SINGLE_ACCOUNT`."""
    return None if account == SINGLE_ACCOUNT else account


class AccountPeriod(NamedTuple):
    """A billing period of one account, written `2026-09`, or `2026-09 eu` for a named account."""

    period: BillingPeriod
    account: str

    @property
    def named_account(self) -> str | None:
        """The account's name in messages; None for `SINGLE_ACCOUNT`."""
        return named_account(self.account)

    def __str__(self) -> str:
        return f"{self.period} {self.account}" if self.named_account else self.period.key
