"""The API's responses as typed, frozen models; fields that they do not know are ignored."""

from __future__ import annotations

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from billing_pipeline.reports import ApiId, is_api_id


def _instant(value: object) -> datetime | None:
    """A time of the API, in UTC, also if it has no offset; None if it cannot be parsed."""
    try:
        instant = datetime.fromisoformat(str(value))
        return instant.replace(tzinfo=instant.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _day(value: object) -> date | None:
    instant = _instant(value)
    return instant and instant.date()


def _ids(value: object) -> object:
    if not isinstance(value, list):
        return value
    return [each.lower() for each in value if is_api_id(each)]


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


class _Response(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Token(_Response):
    """`POST /idp/token`. `expires_on` is a UNIX time, `expires_in` (optional) is in seconds."""

    access_token: str = Field(pattern=r"^[\x21-\x7e]+$", repr=False)
    expires_on: float | None = None
    expires_in: float | None = None


class ApiClientRecord(_Response):
    """`GET /clients/{client_id}`."""

    tenant_id: ApiId


class Report(_Response):
    """`POST /reports` and `GET /reports/{id}`."""

    id: ApiId
    generation_date: Annotated[date | None, BeforeValidator(_day)] = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    schedule: dict[str, Any] | None = None
    result_action: str | None = Field(None, max_length=40)

    @property
    def formats(self) -> tuple[str, ...] | None:
        """The formats that will be stored; None if the API does not say."""
        formats = self.parameters.get("formats")
        return tuple(str(name) for name in formats) if isinstance(formats, list) else None


class StoredReportStatus(StrEnum):
    """`status` of a stored report; `UNKNOWN` is any value that the schema does not list."""

    IN_PROGRESS = "in_progress"
    SAVED = "saved"
    FAILED = "failed"
    UNKNOWN = "unknown"

    @classmethod
    def _missing_(cls, _: object) -> StoredReportStatus:
        return cls.UNKNOWN


class StoredReport(_Response):
    """One item of `GET /reports/{id}/stored`: one file of the report.

    `id` may be missing until the file is saved. `status_text` is the status as the API sent it. `size` is in
    bytes and informational only: the documentation does not say whether it is the compressed size.
    """

    id: ApiId | None = None
    report_format: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,32}$")
    size: Annotated[int | None, BeforeValidator(_count)] = None
    created_at: Annotated[datetime | None, BeforeValidator(_instant)] = None
    status: StoredReportStatus
    status_text: str

    @model_validator(mode="before")
    @classmethod
    def _read_status(cls, item: Any) -> Any:
        if not isinstance(item, dict):
            return item
        text = str(item.get("status"))[:80]
        known = StoredReportStatus(text)
        if known is StoredReportStatus.SAVED and item.get("id") is None:
            known, text = StoredReportStatus.UNKNOWN, "saved, but without an id"
        return {**item, "status": known, "status_text": text}


class StoredReports(_Response):
    """`GET /reports/{id}/stored`. An empty list right after the POST means "not yet"."""

    items: tuple[StoredReport, ...]


class TenantReports(_Response):
    """`GET /tenants/{tenant_id}/reports`. Items that are not UUIDs are skipped."""

    items: Annotated[tuple[str, ...], BeforeValidator(_ids)]
