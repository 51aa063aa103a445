"""One API client of the account-management API, and the report that is requested with it."""

from collections.abc import Container, Sequence
from typing import Annotated, ClassVar, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, Field, SecretStr

from billing_pipeline.errors import SettingsError, named_settings
from billing_pipeline.periods import SINGLE_ACCOUNT, BillingPeriod, named_account
from billing_pipeline.reports import ReportParameters
from billing_pipeline.settings.environment import EnvironmentSettings, environment, web_address

_API_SUFFIX = "/api/2"
_PREFIX = "ACRONIS_"
_PER_ACCOUNT = {"base_url", "client_id", "client_secret", "tenant_id"}


def _api_base_url(value: str) -> str:
    """The data-centre URL with exactly one `/api/2` at its end; plain HTTP only on loopback."""
    url = value.rstrip("/").removesuffix(_API_SUFFIX).rstrip("/")
    parts = web_address(url, "https://eu2-cloud.acronis.com", sent="the client secret")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must not carry credentials, a query or a fragment")
    return url + _API_SUFFIX


class AccountSettings(EnvironmentSettings):
    """One API client of the Acronis account-management API, and the report that is requested with it.

    The settings of an account called `eu` are `ACRONIS_EU_BASE_URL` and so on. URL, client and tenant are
    set per account. Report and polling options fall back to the unprefixed variable.
    """

    env_prefix: ClassVar[str] = _PREFIX

    account: str = SINGLE_ACCOUNT
    base_url: Annotated[str, AfterValidator(_api_base_url)] = Field(
        description="data-centre URL, with or without /api/2"
    )
    client_id: str = Field(description="id of the API client")
    client_secret: SecretStr = Field(description="secret of the API client")
    tenant_id: Annotated[str, AfterValidator(lambda value: str(UUID(value)))] | None = Field(
        None, description="UUID of the tenant whose usage is reported; default: the client's own tenant"
    )
    report_level: Literal["direct_partners", "all_partners", "all_customers", "accounts", "itself"] = Field(
        "direct_partners", description="level of the report"
    )
    report_kind: Literal["usage_summary", "usage_daily", "usage_current", "usage_breakdown"] = Field(
        "usage_summary",
        description="kind of the report; usage_current can hardly ever load a month that has ended",
    )
    hide_zero_usage: bool = Field(True, description="leave out offering items without usage")
    show_skus: bool = Field(True, description="include SKUs in the report")
    poll_interval_seconds: float = Field(
        5.0,
        gt=0,
        le=3600,
        description="first polling interval in seconds; it grows",
    )
    poll_timeout_seconds: float = Field(
        1800.0,
        gt=0,
        le=7 * 86400,
        description="deadline in seconds of one run for a report",
    )
    report_deadline_hours: float = Field(
        24.0,
        gt=0,
        le=90 * 24,
        description="hours since its request after which a report that is not ready is abandoned",
    )

    @classmethod
    def load(cls, account: str = SINGLE_ACCOUNT, accounts: Sequence[str] = (SINGLE_ACCOUNT,)) -> Self:
        """Read and validate an account's settings from the environment and `.env`.

        Args:
            account: the account's name.
            accounts: all accounts that are configured, `PipelineSettings.accounts`.

        Raises:
            SettingsError: names every missing or bad setting, with its meaning.
        """
        found, shared = environment(), cls.variables()
        if shared["tenant_id"] in found and SINGLE_ACCOUNT not in accounts:
            raise SettingsError(
                f"{shared['tenant_id']} is set, which none of the accounts {', '.join(accounts)} reads",
                todo=f"Give it the name of its account, such as {_prefix(accounts[0])}TENANT_ID.",
            )
        return cls._load(found, cls.variables_of(account, found), account=account)

    @classmethod
    def variables_of(cls, account: str, found: Container[str]) -> dict[str, str]:
        """The variable that each setting of an account is read from, by field name.

        Args:
            account: the account's name.
            found: the variables that are set; an option that is not set for the account itself falls back.
        """
        shared, variables = cls.variables(), cls.variables(_prefix(account))
        fallbacks = {name for name in shared if name not in _PER_ACCOUNT and variables[name] not in found}
        return variables | {name: shared[name] for name in fallbacks}

    @classmethod
    def all_variables(cls, account: str) -> set[str]:
        """Every variable that a setting of an account may be read from, fallbacks included."""
        return {*cls.variables(_prefix(account)).values(), *cls.variables_of(account, ()).values()}

    def report_parameters(self, tenant_id: str, period: BillingPeriod) -> ReportParameters:
        """The parameters of the account's report of a period, for the tenant whose usage is reported."""
        return ReportParameters(
            tenant_id=tenant_id,
            period=period,
            kind=self.report_kind,
            level=self.report_level,
            hide_zero_usage=self.hide_zero_usage,
            show_skus=self.show_skus,
        )


def _prefix(account: str) -> str:
    """What the names of an account's variables begin with: `ACRONIS_`, or `ACRONIS_EU_`."""
    return named_settings(_PREFIX, named_account(account))
