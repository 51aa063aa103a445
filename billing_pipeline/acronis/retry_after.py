"""The header `Retry-After`: seconds or an HTTP date; implausible values are ignored."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

MAX_PLAUSIBLE_SECONDS = 86400.0
"""A longer wait than a day is taken for a mistake of the server."""


def retry_after_seconds(headers: Mapping[str, str], *, now: datetime | None = None) -> float | None:
    """Seconds to wait before the next request; None without the header, or if it is implausible.

    Args:
        headers: with lower-case names. A date is compared with the server's own `Date`, if present, so
            that a wrong clock on either side does not matter.
        now: the current time, for responses without `Date`; default: the system clock.
    """
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        seconds = float(value) if len(value) <= 10 else MAX_PLAUSIBLE_SECONDS * 2
    else:
        moment = _http_date(value)
        if moment is None:
            return None
        present = _http_date(headers.get("date", "")) or now or datetime.now(UTC)
        seconds = (moment - present) / timedelta(seconds=1)
    return seconds if 0 <= seconds <= MAX_PLAUSIBLE_SECONDS else None


def _http_date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
