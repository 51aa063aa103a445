"""Environment variables, or `.env` in the project's root, as typed and validated settings.

Two groups, because they are needed by different people: `PipelineSettings` by everyone who touches
the data, `AccountSettings` only by what talks to Acronis.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from billing_pipeline.errors import PeriodError, SettingsError
from billing_pipeline.periods import BillingPeriod

_PACKAGE_PARENT = Path(__file__).resolve().parent.parent
PROJECT_ROOT = _PACKAGE_PARENT if (_PACKAGE_PARENT / "pyproject.toml").exists() else Path.cwd()

_API_SUFFIX = "/api/2"
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def _api_base_url(value: str) -> str:
    """The data-centre URL with exactly one `/api/2` at its end; plain HTTP only on loopback."""
    url = value.strip().rstrip("/").removesuffix(_API_SUFFIX).rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise ValueError("must be a URL such as https://eu2-cloud.acronis.com")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must not carry credentials, a query or a fragment")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ValueError("must use https: a client secret would travel in the clear")
    return url + _API_SUFFIX


def _lower_uuid(value: str) -> str:
    return str(UUID(value))


def _period(value: Any) -> BillingPeriod:
    try:
        return value if isinstance(value, BillingPeriod) else BillingPeriod.parse(str(value))
    except PeriodError as error:
        raise ValueError(f"{error.what}; write it as YYYY-MM") from None


class _EnvironmentSettings(BaseSettings):
    model_config = SettingsConfigDict(
        env_file=PROJECT_ROOT / ".env", env_ignore_empty=True, extra="ignore", hide_input_in_errors=True
    )

    @classmethod
    def load(cls) -> Self:
        """Read and validate the environment and `.env`.

        Raises:
            SettingsError: names every missing or bad setting, with its meaning.
        """
        try:
            return cls()
        except ValidationError as error:
            raise SettingsError(
                "; ".join(_complaint(cls, detail["loc"], detail) for detail in error.errors()),
                todo="Set it in the environment or in .env (.env.example explains each setting).",
            ) from None


def _complaint(model: type[BaseSettings], location: tuple[int | str, ...], detail: Any) -> str:
    name = str(location[0]) if location else "settings"
    field = next((f for f in model.model_fields.values() if f.validation_alias == name), None)
    meaning = f" ({field.description})" if field and field.description else ""
    if detail["type"] == "missing":
        return f"{name} is not set{meaning}"
    return f"{name}{meaning}: {detail['msg'].removeprefix('Value error, ')}"


class PipelineSettings(_EnvironmentSettings):
    """Where the data lies and which periods there are."""

    data_dir: Path = Field(
        Path("data"), validation_alias="BILLING_DATA_DIR", description="everything that is kept lies below it"
    )
    first_period: Annotated[BillingPeriod, NoDecode, BeforeValidator(_period)] = Field(
        BillingPeriod(2024, 1),
        validation_alias="BILLING_FIRST_PERIOD",
        description="first partition, YYYY-MM",
    )
    open_reports: int = Field(
        8,
        ge=1,
        le=64,
        validation_alias="BILLING_OPEN_REPORTS",
        description="how many reports may be open at the API at once, each ordered by a run of its own",
    )
    parallel_downloads: int = Field(
        2,
        ge=1,
        le=64,
        validation_alias="BILLING_PARALLEL_DOWNLOADS",
        description="how many reports are downloaded at once",
    )
    max_report_gib: int = Field(
        20,
        ge=1,
        validation_alias="BILLING_MAX_REPORT_GIB",
        description="what one file of a report may unpack to, in GiB; a larger one is refused",
    )
    cross_check: Literal["stop", "warn", "off"] = Field(
        "stop",
        validation_alias="BILLING_CROSS_CHECK",
        description="what a difference between json_v2_0 and csv_v2_0 does to a load: stop, warn or off",
    )

    @model_validator(mode="after")
    def _absolute_data_dir(self) -> Self:
        # Dagster's processes and the shell have different working directories; the data has one place.
        self.data_dir = (PROJECT_ROOT / self.data_dir.expanduser()).resolve()
        if set("%?#") & set(str(self.data_dir)):
            # Dagster's storage puts the path into a URL as it is.
            raise PydanticCustomError("data_dir", "BILLING_DATA_DIR: its path must not contain %, ? or #")
        return self


class AccountSettings(_EnvironmentSettings):
    """One API client of the Acronis account-management API, and the report that is ordered with it."""

    base_url: Annotated[str, AfterValidator(_api_base_url)] = Field(
        validation_alias="ACRONIS_BASE_URL", description="data-centre URL, with or without /api/2"
    )
    client_id: str = Field(validation_alias="ACRONIS_CLIENT_ID", description="id of the API client")
    client_secret: SecretStr = Field(
        validation_alias="ACRONIS_CLIENT_SECRET", description="secret of the API client"
    )
    tenant_id: Annotated[str, AfterValidator(_lower_uuid)] | None = Field(
        None,
        validation_alias="ACRONIS_TENANT_ID",
        description="UUID of the tenant whose usage is reported; default: the client's own tenant",
    )
    report_level: Literal["direct_partners", "all_partners", "all_customers", "accounts", "itself"] = Field(
        "direct_partners", validation_alias="ACRONIS_REPORT_LEVEL", description="level of the report"
    )
    report_kind: Literal["usage_summary", "usage_daily", "usage_current", "usage_breakdown"] = Field(
        "usage_summary", validation_alias="ACRONIS_REPORT_KIND", description="kind of the report"
    )
    hide_zero_usage: bool = Field(
        True, validation_alias="ACRONIS_HIDE_ZERO_USAGE", description="leave out offering items without usage"
    )
    show_skus: bool = Field(True, validation_alias="ACRONIS_SHOW_SKUS", description="ask for SKUs")
    poll_interval_seconds: float = Field(
        5.0,
        gt=0,
        le=3600,
        validation_alias="ACRONIS_POLL_INTERVAL_SECONDS",
        description="first wait between two looks at the stored reports, in seconds; it grows",
    )
    poll_timeout_seconds: float = Field(
        1800.0,
        gt=0,
        le=7 * 86400,
        validation_alias="ACRONIS_POLL_TIMEOUT_SECONDS",
        description="seconds after which a report that is still not ready is given up",
    )
