"""Where the data is kept, which periods and accounts there are, and how much runs at once."""

import logging
import re
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from billing_pipeline.periods import SINGLE_ACCOUNT, BillingPeriod
from billing_pipeline.reports import DeltaItems, PeriodField
from billing_pipeline.settings.environment import IS_INSTALLED, EnvironmentSettings, folder, web_address

_log = logging.getLogger(__name__)

_ACCOUNT_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")
_LAKE = "ducklake:postgres:"
_HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_YEARS = range(2000, 3000)


def _data_dir(value: Path) -> Path:
    path = folder(value)
    if set("%?#") & set(str(path)):
        # Dagster's storage puts the path into a URL without escaping it.
        raise ValueError("its path must not contain %, ? or #")
    return path


def _first_period(period: BillingPeriod) -> BillingPeriod:
    if period.year not in _YEARS:
        # Dagster lists every month from then on, and fails at both ends of the calendar.
        raise ValueError(f"must be from {_YEARS[0]}-01 to {_YEARS[-1]}-12")
    return period


def _account_names(value: Any) -> tuple[str, ...]:
    names = tuple(name.strip() for name in (value.split(",") if isinstance(value, str) else value))
    for name in names:
        if not _ACCOUNT_NAME.fullmatch(name):
            raise ValueError(
                f"{name!r} is not a valid account name: use a to z, digits and _, and begin with a letter"
            )
    if len(set(names)) < len(names):
        raise ValueError("duplicate account name")
    return names


def _host_names(value: Any) -> tuple[str, ...]:
    names = tuple(name.strip().lower() for name in (value.split(",") if isinstance(value, str) else value))
    for name in names:
        if not _HOST_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not a host name: write it without scheme and port")
    return names


def _warehouse(value: str | None) -> SecretStr | None:
    """The connection string of a lake's catalogue, which may hold a password; None for the file."""
    if value is None or value == "file":
        return None
    if not value.startswith(_LAKE):
        raise ValueError(f"must be file, or {_LAKE}<libpq connection string>")
    return SecretStr(value.removeprefix(_LAKE).strip())


def _webhook(value: SecretStr) -> SecretStr:
    web_address(value.get_secret_value(), "https://hooks.example/services/…", sent="the messages")
    return value


class PipelineSettings(EnvironmentSettings):
    """Where the data is kept, which periods and accounts there are, and how much runs at once."""

    env_prefix: ClassVar[str] = "BILLING_"

    data_dir: Annotated[Path, AfterValidator(_data_dir)] = Field(Path("data"), description="the data folder")
    accounts: Annotated[tuple[str, ...], BeforeValidator(_account_names)] = Field(
        (SINGLE_ACCOUNT,), description="names of the accounts, separated by commas"
    )
    first_period: Annotated[PeriodField, AfterValidator(_first_period)] = Field(
        BillingPeriod(2024, 1), description="first partition, YYYY-MM"
    )
    open_reports: int = Field(
        8, ge=1, le=64, description="limit of reports that are open at the API at the same time"
    )
    max_report_gib: int = Field(
        20,
        ge=1,
        description="size limit of one decompressed file of a report, in GiB; a larger one is refused",
    )
    cross_check: Literal["stop", "warn", "off"] = Field(
        "stop",
        description="effect of a difference between json_v2_0 and csv_v2_0 on the load: stop, warn or off",
    )
    delta_items: DeltaItems = Field(
        "accumulating",
        description="items billed by delta: accumulating (all that accumulate over the period) or "
        "compute_points (the others by absolute, as Acronis' own billing module does); "
        "a month keeps the rule that it was loaded with",
    )
    warehouse: Annotated[SecretStr | None, BeforeValidator(_warehouse)] = Field(
        None, description="the warehouse: file, or ducklake:postgres:<libpq connection string>"
    )
    alert_webhook: Annotated[SecretStr, AfterValidator(_webhook)] | None = Field(
        None, description="URL that is sent a message when a month failed or is overdue"
    )
    ui_hosts: Annotated[tuple[str, ...], BeforeValidator(_host_names)] = Field(
        (), description="names under which the UI is reached, besides those of loopback, separated by commas"
    )

    @classmethod
    def load(cls) -> Self:
        """Read and validate the environment and `.env`; a data folder that nobody has named is logged.

        Raises:
            SettingsError: names every missing or bad setting, with its meaning.
        """
        settings = super().load()
        if IS_INSTALLED and "data_dir" not in settings.model_fields_set and not settings.data_dir.exists():
            _log.warning("BILLING_DATA_DIR is not set: the data folder is %s", settings.data_dir)
        return settings

    invoice_issuer: str | None = Field(
        None, description="name of the company that issues the invoices, for FOCUS files"
    )

    @property
    def reports_dir(self) -> Path:
        """The folder of the months' pages."""
        return self.data_dir / "reports"

    def account_dir(self, account: str) -> Path:
        """The folder of an account's requests and raw reports."""
        return self.data_dir if account == SINGLE_ACCOUNT else self.data_dir / "accounts" / account
