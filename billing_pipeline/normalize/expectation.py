"""Whether a report is the one that was requested."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from billing_pipeline.normalize.refusals import NOT_REQUESTED, refused, shown
from billing_pipeline.periods import BillingPeriod

_REPORT_TYPES = {"usage_daily": 4, "usage_summary": 5, "usage_current": 8}
"""`params.report_type` of the kinds for which it is documented."""
_REPORT_LEVELS = {"direct_partners": 1, "all_customers": 2, "accounts": 3, "all_partners": 4}
"""`params.report_level` likewise."""
_OWN_PERIODS = "usage_current"
"""The kind that covers each child's own billing period instead of the calendar month."""


@dataclass(frozen=True, slots=True)
class ExpectedReport:
    """The report that was requested.

    Args:
        period: the billing period.
        kind: as in the API, such as `usage_summary`.
        level: as in the API, such as `direct_partners`.
        tenant_id: UUID of the tenant that the report is about.
    """

    period: BillingPeriod
    kind: str
    level: str
    tenant_id: str

    @property
    def days_in_period(self) -> bool:
        """Whether the report must cover the calendar month and nothing else."""
        return self.kind != _OWN_PERIODS


@dataclass(frozen=True, slots=True)
class Coverage:
    """The days that a report says it covers, both inclusive."""

    start: date
    end: date


def check_params(params: Mapping[str, Any], expected: ExpectedReport | None) -> Coverage:
    """Read a report's `params`, and refuse it if it is not the one that was requested.

    Args:
        params: of a json_v2_0 report.
        expected: None takes any report.

    Raises:
        ReportRefusedError: another period, kind, level or tenant; or a date cannot be read.
    """
    coverage = _coverage(params)
    if expected is None:
        return coverage
    period = expected.period
    if expected.days_in_period and (coverage.start, coverage.end) != (period.start, period.end):
        raise refused(
            f"the report covers {coverage.start} to {coverage.end}; "
            f"{period.start} to {period.end} was requested",
            NOT_REQUESTED,
        )
    _same(params, "report_type", _REPORT_TYPES, expected.kind)
    _same(params, "report_level", _REPORT_LEVELS, expected.level)
    kind = params.get("kind")
    if isinstance(kind, str) and kind in _REPORT_TYPES and kind != expected.kind:
        raise refused(f"the report's kind is {kind}; {expected.kind} was requested", NOT_REQUESTED)
    for name in ("tenant_id", "tenant_uuid", "group_uuid"):
        tenant = params.get(name)
        if isinstance(tenant, str) and tenant.lower() != expected.tenant_id.lower():
            raise refused(
                f"the report is about tenant {shown(tenant)}; {expected.tenant_id} was requested",
                NOT_REQUESTED,
            )
    return coverage


def _same(params: Mapping[str, Any], name: str, documented: Mapping[str, int], requested: str) -> None:
    found = params.get(name)
    if not isinstance(found, int) or isinstance(found, bool):
        raise refused(f"params.{name} is {shown(found)}, not a number")
    meanings = [meaning for meaning, each in documented.items() if each == found]
    number = documented.get(requested)
    if found != number and (number is not None or meanings):
        shown_number = f"{found} ({meanings[0]})" if meanings else str(found)
        raise refused(f"params.{name} is {shown_number}; {requested} was requested", NOT_REQUESTED)


def _coverage(params: Mapping[str, Any]) -> Coverage:
    begin = _moment(params, "begin_date")
    end = _moment(params, "end_date")
    if begin.time() != datetime.min.time():
        raise refused(f"params.begin_date is {begin:%Y-%m-%d %H:%M:%S} UTC, not a midnight", NOT_REQUESTED)
    last_second = end - timedelta(seconds=1) if end.time() == datetime.min.time() else end
    if (last_second + timedelta(seconds=1)).time() != datetime.min.time() or last_second < begin:
        raise refused(f"params.end_date is {end:%Y-%m-%d %H:%M:%S} UTC, not the end of a day", NOT_REQUESTED)
    return Coverage(begin.date(), last_second.date())


def _moment(params: Mapping[str, Any], name: str) -> datetime:
    seconds = params.get(name)
    if not isinstance(seconds, int) or isinstance(seconds, bool):
        raise refused(f"params.{name} is {shown(seconds)}, not a UNIX timestamp")
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        raise refused(f"params.{name} is {shown(seconds)}, not a UNIX timestamp") from None
