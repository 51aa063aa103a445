"""The body of POST /reports: validated as the API documents it, with its error bodies."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from billing_pipeline.sandbox.messages import ApiError, Request
from billing_pipeline.sandbox.report_rows import Kind, Level, ReportSelection
from billing_pipeline.sandbox.windows import Window

UUID_PATTERN = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
Format = Literal["csv", "html", "json_v1", "csv_v2_0", "json_v2_0"]


@dataclass(frozen=True)
class ReportRequest:
    """A valid request for a report; answers echo `parameters`, `schedule` and what follows."""

    selection: ReportSelection
    formats: tuple[str, ...]
    show_skus: bool
    parameters: dict[str, Any]
    schedule: dict[str, Any]
    result_action: str
    recipients: list[Any]


def _day(value: object) -> date:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        raise ValueError("must be a date, YYYY-MM-DD")
    return date.fromisoformat(value)


class _Period(BaseModel):
    start: Annotated[date, BeforeValidator(_day)]
    end: Annotated[date, BeforeValidator(_day)]


class _Parameters(BaseModel):
    model_config = ConfigDict(strict=True)

    kind: Kind
    level: Level
    tenant_id: Annotated[str, Field(pattern=UUID_PATTERN)]
    formats: Annotated[list[Format], Field(min_length=1)] = ["csv_v2_0"]
    hide_zero_usage: bool = False
    show_skus: bool = False
    period: _Period | None = None


class _Schedule(BaseModel):
    type: Literal["once", "monthly"]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    parameters: _Parameters
    schedule: _Schedule
    result_action: Literal["save", "send"]
    recipients: list[Any] = []


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
        sent = json.loads(request.body)
        body = _Body.model_validate(sent)
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(str(part) for part in first["loc"])
        raise _bad(f"{path}: {first['msg']}", path) from None
    except ValueError as error:
        raise _bad(f"the body is not JSON: {error}", "") from None
    parameters = body.parameters
    window = _window(parameters.period, today)
    period = {"start": window.start.isoformat(), "end": window.end.isoformat()}
    return ReportRequest(
        selection=ReportSelection(
            parameters.tenant_id, window, parameters.kind, parameters.level, parameters.hide_zero_usage
        ),
        formats=tuple(dict.fromkeys(parameters.formats)),
        show_skus=parameters.show_skus,
        parameters=sent["parameters"] | {"formats": parameters.formats, "period": period},
        schedule=sent["schedule"],
        result_action=body.result_action,
        recipients=body.recipients,
    )


def _window(period: _Period | None, today: date) -> Window:
    if period is None:
        # Not documented. The month up to yesterday is a guess that cannot be mistaken for a whole month.
        yesterday = today - timedelta(days=1)
        return Window(yesterday.replace(day=1), yesterday)
    if period.end > today:
        raise _bad("parameters.period.end must not be in the future", "parameters.period.end")
    if period.end < period.start:
        raise _bad("parameters.period.end must not be before its start", "parameters.period.end")
    if period.start.year < 2000:
        raise _bad("parameters.period.start is too long ago", "parameters.period.start")
    return Window(period.start, period.end)


def _bad(info: str, field: str) -> ApiError:
    return ApiError(400, "bad_request", "Request validation failed", info, field=field)
