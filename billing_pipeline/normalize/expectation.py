"""Whether a report is the one that was requested."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from billing_pipeline.normalize.fields import QUANTITY
from billing_pipeline.normalize.refusals import NOT_REQUESTED, refused, shown
from billing_pipeline.reports import ReportParameters

_REPORT_TYPES = {"usage_daily": 4, "usage_summary": 5, "usage_current": 8}
"""`params.report_type` of the kinds for which it is documented."""
_REPORT_LEVELS = {"direct_partners": 1, "all_customers": 2, "accounts": 3, "all_partners": 4}
"""`params.report_level` likewise."""
_OWN_PERIODS = "usage_current"
"""The kind that covers each child's own billing period instead of the calendar month."""
_LAST_SECOND = time(23, 59, 59)
_TENANT_KEYS = ("tenant_id", "tenant_uuid", "group_uuid")


def check_params(params: Mapping[str, Any], requested: ReportParameters | None) -> tuple[date, date]:
    """Read a report's `params`, and refuse it if it is not the one that was requested.

    Args:
        requested: None takes any report.

    Returns:
        The first and the last day that the report says it covers.

    Raises:
        ReportRefusedError: another period, kind, level or tenant; or a date cannot be read.
    """
    first, last = _coverage(params)
    if requested is None:
        return first, last
    period = requested.period
    if last == period.end - timedelta(days=1) and _moment(params, "end_date").time() == time.min:
        last = period.end
    compared: list[tuple[str, object, str]] = [
        ("report is about tenant", params.get(name), requested.tenant_id) for name in _TENANT_KEYS
    ]
    if requested.kind != _OWN_PERIODS:
        compared.append(("report covers", f"{first} to {last}", f"{period.start} to {period.end}"))
    if str(params.get("kind")) in _REPORT_TYPES:
        compared.append(("report's kind is", params["kind"], requested.kind))
    for what, reported, wanted in compared:
        if isinstance(reported, str) and reported.lower() != wanted.lower():
            raise refused(f"the {what} {shown(reported)}; {wanted} was requested", NOT_REQUESTED)
    _check_number(params, "report_type", _REPORT_TYPES, requested.kind)
    _check_number(params, "report_level", _REPORT_LEVELS, requested.level)
    return first, last


def _check_number(
    params: Mapping[str, Any], name: str, documented: Mapping[str, int], requested: str
) -> None:
    """Compare a number that describes the report; it may be missing, or be a text that is not understood."""
    found = params.get(name)
    text = str(found).strip().lower().replace(" ", "_")
    try:
        number = documented.get(text) or Decimal(text)
        reported = next((meaning for meaning, each in documented.items() if each == number), None)
    except InvalidOperation:  # also of a comparison: with the text "sNaN"
        return
    if reported != (requested if requested in documented else None):
        meaning = f" ({reported})" if reported else ""
        raise refused(f"params.{name} is {shown(found)}{meaning}; {requested} was requested", NOT_REQUESTED)


def _coverage(params: Mapping[str, Any]) -> tuple[date, date]:
    """The first and the last day; an end at midnight is read as the end of the day before."""
    begin, end = _moment(params, "begin_date"), _moment(params, "end_date")
    for name, moment in {"begin_date": begin, "end_date": end}.items():
        if moment.time() not in {time.min, _LAST_SECOND}:
            found = f"params.{name} is {moment:%Y-%m-%d %H:%M:%S} UTC"
            raise refused(f"{found}, neither a midnight nor the end of a day")
    first = (begin + timedelta(seconds=1)).date()
    last = (end - timedelta(seconds=1)).date()
    if last < first:
        raise refused(f"the report ends on {last}, before it begins", NOT_REQUESTED)
    return first, last


def _moment(params: Mapping[str, Any], name: str) -> datetime:
    """A UNIX timestamp, which may be a text or have a fraction of a second."""
    found = params.get(name)
    seconds = QUANTITY.held(found)
    try:
        if isinstance(seconds, str):
            return datetime.fromtimestamp(int(Decimal(seconds)), UTC)
    except (ValueError, OverflowError, OSError):
        pass
    raise refused(f"params.{name} is {shown(found)}, not a UNIX timestamp")
