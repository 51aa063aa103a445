"""The body of POST /reports: validated as the API documents it, with its error bodies."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from billing_pipeline.sandbox.messages import ApiError, Request
from billing_pipeline.sandbox.report_rows import KINDS, LEVELS, ReportSelection
from billing_pipeline.sandbox.windows import Window

FORMATS = ("csv", "html", "json_v1", "csv_v2_0", "json_v2_0")
_SCHEDULES = ("once", "monthly")
_RESULT_ACTIONS = ("save", "send")
_TOP_LEVEL = {"parameters", "schedule", "result_action", "recipients"}
_LOWER_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class ReportRequest:
    """A valid request for a report; answers echo `parameters`."""

    selection: ReportSelection
    formats: tuple[str, ...]
    show_skus: bool
    parameters: dict[str, Any]
    schedule: dict[str, Any]
    result_action: str
    recipients: list[Any]


def is_uuid(text: str) -> bool:
    """True for a UUID in the lower-case form that the API requires."""
    return _LOWER_UUID.fullmatch(text) is not None


def parse_report_request(request: Request, today: date) -> ReportRequest:
    """Validate the body of POST /reports.

    Args:
        request: the request.
        today: the server's date (UTC); a period must not end after it.

    Raises:
        ApiError: status 415 without a JSON content type, otherwise 400 with the reason.
    """
    if request.media_type != "application/json":
        raise ApiError(
            415, "unsupported_media_type", "Unsupported media type", "Content-Type must be application/json"
        )
    try:
        body = json.loads(request.body)
    except ValueError as error:
        raise _bad("the body is not JSON") from error
    if not isinstance(body, dict):
        raise _bad("the body must be an object")
    if unknown := sorted(set(body) - _TOP_LEVEL):
        raise _bad(f"unknown field: {unknown[0]}", field=unknown[0])
    parameters = _object(body, "parameters", "parameters")
    schedule = _object(body, "schedule", "schedule")
    _choice(schedule, "type", "schedule.type", _SCHEDULES)
    result_action = _choice(body, "result_action", "result_action", _RESULT_ACTIONS)
    recipients = body.get("recipients", [])
    if not isinstance(recipients, list):
        raise _bad("recipients must be an array", field="recipients")

    selection, formats = _selection(parameters, today)
    window = selection.window
    return ReportRequest(
        selection=selection,
        formats=tuple(dict.fromkeys(formats)),
        show_skus=_flag(parameters, "show_skus"),
        parameters=parameters
        | {"formats": formats, "period": {"start": window.start.isoformat(), "end": window.end.isoformat()}},
        schedule=schedule,
        result_action=result_action,
        recipients=recipients,
    )


def _selection(parameters: dict[str, Any], today: date) -> tuple[ReportSelection, list[str]]:
    """Validate `parameters`: the rows to select, and the formats."""
    kind = _choice(parameters, "kind", "parameters.kind", KINDS)
    level = _choice(parameters, "level", "parameters.level", LEVELS)
    tenant_id = _required(parameters, "tenant_id", "parameters.tenant_id")
    if not isinstance(tenant_id, str) or not is_uuid(tenant_id):
        raise _bad("parameters.tenant_id must be a lower-case UUID", field="parameters.tenant_id")
    formats = parameters.get("formats", ["csv_v2_0"])
    if not isinstance(formats, list) or not formats or any(name not in FORMATS for name in formats):
        raise _bad(f"parameters.formats must be some of {', '.join(FORMATS)}", field="parameters.formats")
    window = _window(parameters, today)
    return ReportSelection(tenant_id, window, kind, level, _flag(parameters, "hide_zero_usage")), formats


def _window(parameters: dict[str, Any], today: date) -> Window:
    yesterday = today - timedelta(days=1)
    if "period" not in parameters:
        # Not documented. The month up to yesterday is a guess that cannot be mistaken for a whole month.
        return Window(yesterday.replace(day=1), yesterday)
    period = _object(parameters, "period", "parameters.period")
    start, end = (_day(period, name) for name in ("start", "end"))
    if end > today:
        raise _bad("parameters.period.end must not be in the future", field="parameters.period.end")
    if end < start:
        raise _bad("parameters.period.end must not be before its start", field="parameters.period.end")
    if start.year < 2000:
        raise _bad("parameters.period.start is too long ago", field="parameters.period.start")
    return Window(start, end)


def _day(period: dict[str, Any], name: str) -> date:
    value = _required(period, name, f"parameters.period.{name}")
    try:
        if isinstance(value, str) and _DAY.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise _bad(f"parameters.period.{name} must be a date, YYYY-MM-DD", field=f"parameters.period.{name}")


def _flag(parameters: dict[str, Any], name: str) -> bool:
    value = parameters.get(name, False)
    if not isinstance(value, bool):
        raise _bad(f"parameters.{name} must be a boolean", field=f"parameters.{name}")
    return value


def _object(parent: dict[str, Any], name: str, path: str) -> dict[str, Any]:
    value = _required(parent, name, path)
    if not isinstance(value, dict):
        raise _bad(f"{path} must be an object", field=path)
    return value


def _choice(parent: dict[str, Any], name: str, path: str, choices: tuple[str, ...]) -> str:
    value = _required(parent, name, path)
    if not isinstance(value, str) or value not in choices:
        raise _bad(f"{path} must be one of {', '.join(choices)}", field=path)
    return value


def _required(parent: dict[str, Any], name: str, path: str) -> Any:
    if name not in parent:
        raise _bad(f"{path} is required", field=path)
    return parent[name]


def _bad(info: str, **context: object) -> ApiError:
    return ApiError(400, "bad_request", "Request validation failed", info, **context)
