"""Environment variables, or `.env` in the project's root, as typed and validated settings.

Three groups, because they are needed by different people: `PipelineSettings` by everyone who touches
the data, `LakeSettings` where the warehouse is a lake, `AccountSettings` only by what talks to Acronis.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from billing_pipeline.connection_string import ConnectionString
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


_LAKE = "ducklake:postgres:"
_S3 = "s3://"


def _warehouse(value: Any) -> ConnectionString | None:
    """The lake's catalogue; None for the file."""
    if value is None or isinstance(value, ConnectionString) or str(value).strip() == "file":
        return value if isinstance(value, ConnectionString) else None
    text = str(value).strip()
    if not text.startswith(_LAKE):
        raise ValueError(f"must be file, or {_LAKE}<libpq connection string>")
    return ConnectionString.parse(text.removeprefix(_LAKE).strip())


def _s3_endpoint(value: str) -> str:
    if "@" in value:
        raise ValueError("must not carry credentials: they are AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    parts = urlsplit(value.strip().rstrip("/"))
    if parts.scheme not in {"https", "http"} or not parts.hostname or parts.path or parts.query:
        raise ValueError("must be a URL such as https://s3.example:9000, without a path")
    return parts.geturl()


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

    warehouse: Annotated[ConnectionString | None, NoDecode, BeforeValidator(_warehouse)] = Field(
        None,
        validation_alias="BILLING_WAREHOUSE",
        description="where the tables lie: file, or ducklake:postgres:<libpq connection string>",
    )

    @model_validator(mode="after")
    def _absolute_data_dir(self) -> Self:
        # Dagster's processes and the shell have different working directories; the data has one place.
        self.data_dir = (PROJECT_ROOT / self.data_dir.expanduser()).resolve()
        if set("%?#") & set(str(self.data_dir)):
            # Dagster's storage puts the path into a URL as it is.
            raise PydanticCustomError("data_dir", "BILLING_DATA_DIR: its path must not contain %, ? or #")
        return self


class LakeSettings(_EnvironmentSettings):
    """What a lake needs beside the connection string of its catalogue."""

    data_path: str | None = Field(
        None,
        validation_alias="BILLING_LAKE_DATA",
        description="where a lake's Parquet files lie: a shared folder, or s3://bucket/prefix",
    )
    downloads_extensions: bool = Field(
        False,
        validation_alias="BILLING_LAKE_DOWNLOADS_EXTENSIONS",
        description="whether DuckDB may download the lake's extensions that are not installed",
    )
    database_password: SecretStr | None = Field(
        None, validation_alias="PGPASSWORD", description="password of the lake's database user"
    )
    s3_endpoint: Annotated[str, AfterValidator(_s3_endpoint)] | None = Field(
        None,
        validation_alias="BILLING_S3_ENDPOINT",
        description="URL of an S3-compatible store; plain HTTP only if it says http://",
    )
    s3_key_id: str | None = Field(
        None, validation_alias="AWS_ACCESS_KEY_ID", description="key id for a lake on S3"
    )
    s3_secret_key: SecretStr | None = Field(
        None, validation_alias="AWS_SECRET_ACCESS_KEY", description="secret key for a lake on S3"
    )
    s3_session_token: SecretStr | None = Field(
        None, validation_alias="AWS_SESSION_TOKEN", description="token of a temporary key for a lake on S3"
    )
    s3_region: str | None = Field(
        None, validation_alias="AWS_REGION", description="region of the bucket of a lake on S3"
    )

    @property
    def on_s3(self) -> bool:
        """Whether the files lie in a bucket."""
        return self.data_path is not None and self.data_path.startswith(_S3)

    @model_validator(mode="after")
    def _data_path_can_be_reached(self) -> Self:
        if self.data_path is None:
            return self
        if not self.on_s3:
            if "://" in self.data_path:
                raise _bad("BILLING_LAKE_DATA: must be a folder, or s3://bucket/prefix")
            self.data_path = str((PROJECT_ROOT / Path(self.data_path).expanduser()).resolve())
            return self
        bucket, _, prefix = self.data_path.removeprefix(_S3).strip("/").partition("/")
        if not bucket or not prefix:
            raise _bad("BILLING_LAKE_DATA: must name a bucket and a prefix, s3://bucket/prefix")
        self.data_path = f"{_S3}{bucket}/{prefix}"
        keys = {"AWS_ACCESS_KEY_ID": self.s3_key_id, "AWS_SECRET_ACCESS_KEY": self.s3_secret_key}
        if missing := [name for name, value in keys.items() if not value]:
            raise _bad(f"{' and '.join(missing)}: not set, and BILLING_LAKE_DATA lies on S3")
        return self


def _bad(told: str) -> PydanticCustomError:
    return PydanticCustomError("settings", "{told}", {"told": told})


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
