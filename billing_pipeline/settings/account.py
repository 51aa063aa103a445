"""One API client of the account-management API, and the report that is ordered with it."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import AfterValidator, Field, SecretStr

from billing_pipeline.errors import SettingsError
from billing_pipeline.periods import SINGLE_ACCOUNT
from billing_pipeline.settings.environment import EnvironmentSettings, environment
from billing_pipeline.settings.pipeline import PipelineSettings

_API_SUFFIX = "/api/2"
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_TENANT = "ACRONIS_TENANT_ID"
_NEVER_SHARED = {"ACRONIS_BASE_URL", "ACRONIS_CLIENT_ID", "ACRONIS_CLIENT_SECRET", _TENANT}


def _api_base_url(value: str) -> str:
    """The data-centre URL with exactly one `/api/2` at its end; plain HTTP only on loopback."""
    url = value.rstrip("/").removesuffix(_API_SUFFIX).rstrip("/")
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


class AccountSettings(EnvironmentSettings):
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
        found = environment()
        if _TENANT in found and SINGLE_ACCOUNT not in (accounts := PipelineSettings.load().accounts):
            raise SettingsError(
                f"{_TENANT} is set, which none of the accounts {', '.join(accounts)} reads",
                todo=f"Give it the name of its account, such as ACRONIS_{accounts[0].upper()}_TENANT_ID.",
            )

        def spelled(name: str) -> str:
            if account == SINGLE_ACCOUNT:
                return name
            own = name.replace("ACRONIS_", f"ACRONIS_{account.upper()}_", 1)
            return own if own in found or name in _NEVER_SHARED else name

        return cls._read(found, spelled, account=account)
