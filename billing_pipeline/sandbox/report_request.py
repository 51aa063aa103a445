"""The body of POST /reports: validated as the API documents it, with its error bodies."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from billing_pipeline.sandbox.messages import ApiError, Request, bad_request
from billing_pipeline.sandbox.report_rows import Kind, Level, ReportSelection
from billing_pipeline.sandbox.windows import Window

_UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
Format = Literal["csv", "html", "json_v1", "csv_v2_0", "json_v2_0"]


def _month_to_yesterday() -> Window:
    # Not documented: a guess that cannot be mistaken for a full month.
    return Window.of_month_until(datetime.now(UTC).date() - timedelta(days=1))


class ReportParameters(ReportSelection):
    """The rows and formats."""

    model_config = ConfigDict(extra="allow")

    kind: Kind
    level: Level
    tenant_id: Annotated[str, Field(pattern=_UUID)]
    formats: list[Format] = Field(["csv_v2_0"], min_length=1)
    period: Window = Field(default_factory=_month_to_yesterday)


class Schedule(BaseModel):
    """The schedule; the sandbox generates every report immediately."""

    enabled: bool = True
    type: Literal["once", "monthly"]


class ReportRequest(BaseModel):
    """A request for a report; the API's answers echo it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    parameters: ReportParameters
    schedule: Schedule
    result_action: Literal["save", "send"]
    recipients: list[Any] = []
    generation_date: date | None = None


def parse_report_request(request: Request, today: date, *, lenient: bool = False) -> ReportRequest:
    """Validate the body of POST /reports.

    Args:
        today: the server's date (UTC); a period must not end after it.
        lenient: take booleans as strings too. The API documents booleans; its samples send strings.

    Raises:
        ApiError: status 415 without a JSON content type, otherwise 400 with the reason.
    """
    if request.media_type != "application/json":
        raise ApiError(
            415, "unsupported_media_type", "Unsupported media type", "Content-Type must be application/json"
        )
    try:
        report = ReportRequest.model_validate_json(request.body, strict=not lenient)
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(str(part) for part in first["loc"])
        raise bad_request(f"{path}: {first['msg']}", field=path) from None
    period = report.parameters.period
    if not date(2000, 1, 1) <= period.start <= period.end <= today:
        info = "parameters.period must not begin before 2000, nor after its end, nor end in the future"
        raise bad_request(info, field="parameters.period")
    return report
