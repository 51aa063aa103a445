"""`Retry-After`: seconds or an HTTP date, and much nonsense in the wild."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

BELIEVABLE_SECONDS = 86400.0
"""A longer wait than a day is taken for a mistake and ignored, not for a request."""


def retry_after_seconds(headers: Mapping[str, str], *, now: datetime | None = None) -> float | None:
    """The seconds to wait that the server asks for; None where it asks for none, or for nonsense.

    Args:
        headers: lower-case names. A date is compared with the server's own `Date`, if there is one, so
            that a wrong clock on either side does not matter.
        now: the present, for answers without `Date`.
    """
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        seconds = float(value) if len(value) <= 10 else BELIEVABLE_SECONDS * 2
    else:
        moment = _http_date(value)
        if moment is None:
            return None
        present = _http_date(headers.get("date", "")) or now or datetime.now(UTC)
        seconds = (moment - present) / timedelta(seconds=1)
    return seconds if 0 <= seconds <= BELIEVABLE_SECONDS else None


def _http_date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
