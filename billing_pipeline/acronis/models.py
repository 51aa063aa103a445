"""The API's responses as typed, frozen models; fields that they do not know are ignored."""

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    OnErrorOmit,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from billing_pipeline.reports import ApiId


def _instant(value: object) -> datetime:
    """A time of the API, in UTC, also if it has no offset."""
    try:
        instant = datetime.fromisoformat(str(value))
        return instant.replace(tzinfo=instant.tzinfo or UTC).astimezone(UTC)
    except OverflowError as error:
        raise ValueError(str(error)) from None


class _Response(BaseModel):
    """Only what has no default must be as documented; anything else that is not counts as missing.

    The validation context, a set, receives the names of those fields.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    @model_validator(mode="wrap")
    @classmethod
    def _ignore_unreadable(
        cls, value: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo
    ) -> Self:
        try:
            return handler(value)
        except ValidationError as error:
            names = {str(each["loc"][0]) for each in error.errors() if each["loc"]}
            if isinstance(info.context, set):
                info.context.update(names or {"an item"})
            if not names or any(cls.model_fields[name].is_required() for name in names):
                raise
            return handler({name: each for name, each in value.items() if name not in names})


class Token(_Response):
    """`POST /idp/token`. `expires_on` is a UNIX time, `expires_in` (optional) is in seconds."""

    access_token: str = Field(pattern=r"^[\x21-\x7e]+$", repr=False)
    expires_on: float | None = None
    expires_in: float | None = None


class ApiClientRecord(_Response):
    """`GET /clients/{client_id}`."""

    tenant_id: ApiId


class Tenant(_Response):
    """`GET /tenants/{tenant_id}`."""

    id: ApiId
    name: str
    kind: str | None = None


class Report(_Response):
    """`POST /reports` and `GET /reports/{id}`."""

    id: ApiId
    generation_date: Annotated[date, BeforeValidator(lambda value: _instant(value).date())] | None = None
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
    def _missing_(cls, _: object) -> "StoredReportStatus":
        return cls.UNKNOWN


class StoredReport(_Response):
    """One item of `GET /reports/{id}/stored`: one file of the report.

    `id` may be missing until the file is saved. `status_text` is the status as the API sent it. `size` is in
    bytes, by the API's schema of the compressed file, and informational only.
    """

    id: ApiId | None = None
    report_format: str = ""
    size: Annotated[int, Field(strict=True, ge=0)] | None = None
    created_at: Annotated[datetime, BeforeValidator(_instant)] | None = None
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

    items: tuple[OnErrorOmit[StoredReport], ...]


class TenantReports(_Response):
    """`GET /tenants/{tenant_id}/reports`. Items that are not UUIDs are skipped."""

    items: tuple[OnErrorOmit[ApiId], ...]
