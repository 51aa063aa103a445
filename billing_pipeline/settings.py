"""Environment variables, or `.env` in the project's root, as typed and validated settings.

Two groups, because they are needed by different people: `PipelineSettings` by everyone who touches
the data, `AccountSettings` only by what talks to Acronis.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit
from uuid import UUID

from dotenv import dotenv_values
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from billing_pipeline.errors import PeriodError, SettingsError
from billing_pipeline.periods import BillingPeriod

_PACKAGE_PARENT = Path(__file__).resolve().parent.parent
PROJECT_ROOT = _PACKAGE_PARENT if (_PACKAGE_PARENT / "pyproject.toml").exists() else Path.cwd()

SINGLE_ACCOUNT = "default"
"""The account whose settings, assets and files have no account's name in theirs: the only one, mostly."""

_ACCOUNT_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")
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


def _account_names(value: Any) -> tuple[str, ...]:
    names = tuple(name.strip() for name in str(value).split(","))
    for name in names:
        if not _ACCOUNT_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of an account; use a to z, digits and _, a letter first")
    if len(set(names)) < len(names):
        raise ValueError("a name stands twice")
    return names


def _environment() -> Mapping[str, str]:
    """The environment, and `.env` for what is not there; what is empty is not set."""
    found = {**dotenv_values(PROJECT_ROOT / ".env"), **os.environ}
    return {name: value for name, value in found.items() if value}


class _EnvironmentSettings(BaseModel):
    """Settings whose fields have the names of environment variables as their aliases."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    @classmethod
    def _read(cls, environment: Mapping[str, str], spelled: Callable[[str], str], **known: str) -> Self:
        """Validate the environment.

        Args:
            spelled: the name in the environment of the setting with an alias.
            known: fields that do not come from the environment.

        Raises:
            SettingsError: names every missing or bad setting, with its meaning.
        """
        names = {
            str(field.validation_alias): spelled(str(field.validation_alias))
            for field in cls.model_fields.values()
            if field.validation_alias
        }
        values = {alias: environment[name] for alias, name in names.items() if name in environment}
        try:
            return cls.model_validate(values | known)
        except ValidationError as error:
            raise SettingsError(
                "; ".join(_complaint(cls, names, detail) for detail in error.errors()),
                todo="Set it in the environment or in .env (.env.example explains each setting).",
            ) from None


def _complaint(model: type[BaseModel], names: Mapping[str, str], detail: Any) -> str:
    alias = str(detail["loc"][0]) if detail["loc"] else ""
    field = next((f for f in model.model_fields.values() if f.validation_alias == alias), None)
    name = names.get(alias, "settings")
    meaning = f" ({field.description})" if field and field.description else ""
    if detail["type"] == "missing":
        return f"{name} is not set{meaning}"
    return f"{name}{meaning}: {detail['msg'].removeprefix('Value error, ')}"


class PipelineSettings(_EnvironmentSettings):
    """Where the data lies and which periods there are."""

    data_dir: Path = Field(
        Path("data"), validation_alias="BILLING_DATA_DIR", description="everything that is kept lies below it"
    )
    accounts: Annotated[tuple[str, ...], BeforeValidator(_account_names)] = Field(
        (SINGLE_ACCOUNT,),
        validation_alias="BILLING_ACCOUNTS",
        description="names of the accounts, separated by commas",
    )
    first_period: Annotated[BillingPeriod, BeforeValidator(_period)] = Field(
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

    @classmethod
    def load(cls) -> Self:
        """Read and validate the environment and `.env`.

        Raises:
            SettingsError: names every bad setting, with its meaning.
        """
        return cls._read(_environment(), lambda name: name)

    def account_dir(self, account: str) -> Path:
        """Where an account's requests and raw reports lie."""
        return self.data_dir if account == SINGLE_ACCOUNT else self.data_dir / "accounts" / account

    @model_validator(mode="after")
    def _absolute_data_dir(self) -> Self:
        # Dagster's processes and the shell have different working directories; the data has one place.
        self.data_dir = (PROJECT_ROOT / self.data_dir.expanduser()).resolve()
        if set("%?#") & set(str(self.data_dir)):
            # Dagster's storage puts the path into a URL as it is.
            raise PydanticCustomError("data_dir", "BILLING_DATA_DIR: its path must not contain %, ? or #")
        return self


class AccountSettings(_EnvironmentSettings):
    """One API client of the Acronis account-management API, and the report that is ordered with it.

    The settings of an account called `eu` are `ACRONIS_EU_BASE_URL` and so on. Who it is, it says itself;
    what is ordered and how it is waited for, `ACRONIS_REPORT_LEVEL` and its like say for every account that
    does not say so itself.
    """

    account: str = SINGLE_ACCOUNT
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

    @classmethod
    def load(cls, account: str = SINGLE_ACCOUNT) -> Self:
        """Read and validate an account's settings from the environment and `.env`.

        Raises:
            SettingsError: names every missing or bad setting, with its meaning.
        """
        environment = _environment()

        def spelled(name: str) -> str:
            if account == SINGLE_ACCOUNT:
                return name
            own = name.replace("ACRONIS_", f"ACRONIS_{account.upper()}_", 1)
            return own if own in environment or name in _NEVER_SHARED else name

        return cls._read(environment, spelled, account=account)


_NEVER_SHARED = {"ACRONIS_BASE_URL", "ACRONIS_CLIENT_ID", "ACRONIS_CLIENT_SECRET", "ACRONIS_TENANT_ID"}
