"""The settings: which were found, and where each comes from."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from pydantic import SecretStr

from billing_pipeline.errors import SettingsError
from billing_pipeline.periods import SINGLE_ACCOUNT
from billing_pipeline.preflight.result import Result, Verdict, failed, ok, warning
from billing_pipeline.reports import is_api_id
from billing_pipeline.settings import AccountSettings, LakeSettings, PipelineSettings
from billing_pipeline.settings.environment import ENV_FILE, EnvironmentSettings, env_file, origins
from billing_pipeline.settings.unknown import unknown_settings

_OF_OTHER_PROGRAMS = (
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "DAGSTER_HOME",
)
"""Variables that change what a run does. Only their names are shown: a proxy's URL may hold a password."""
_Settings = TypeVar("_Settings", bound=EnvironmentSettings)

_IDS = {"client_id"}
_HIDDEN = {"s3_key_id"}

_KIND_ADVICE = {
    "usage_current": (
        "usage_current is as of yesterday, in each child's own billing period, so it can hardly ever load a "
        "month that has ended"
    ),
    "usage_daily": (
        "by Acronis' documentation only usage_breakdown has changes by day, so compute points of a "
        "usage_daily report may all be 0"
    ),
}
_LEVEL_ADVICE = {
    "all_partners": (
        "level all_partners lists nested partners without their hierarchy, so it has no billable usage"
    ),
}


@dataclass
class FoundSettings:
    """The settings that are valid, and the results for all of them.

    Attributes:
        pipeline: None if one of them is bad.
        accounts: those whose settings are valid, by name.
    """

    results: list[Result] = field(default_factory=list)
    pipeline: PipelineSettings | None = None
    accounts: dict[str, AccountSettings] = field(default_factory=dict)

    def load(
        self, load: Callable[[], _Settings], variables: Mapping[str, str], origin: Mapping[str, str]
    ) -> _Settings | None:
        """Load settings, with a result for each; None, with one result, if any of them is bad."""
        try:
            settings = load()
        except SettingsError as error:
            present = [f"{name} ({origin[name]})" for name in variables.values() if name in origin]
            text = f"{error.what}. Found: {', '.join(present) or 'none of these settings'}"
            self.results.append(Result(Verdict.FAILED, "settings", text, error.todo))
            return None
        for name, variable in variables.items():
            shown = _shown(name, getattr(settings, name), is_set=variable in origin)
            self.results.append(ok(variable, f"{shown} ({origin.get(variable, 'default')})"))
        return settings


def find_settings() -> FoundSettings:
    """Read all settings; bad ones become results."""
    found = FoundSettings()
    try:
        origin = origins()
    except SettingsError as error:
        found.results.append(failed("settings", error))
        return found
    path, chosen = env_file(), f"{ENV_FILE} names it" if os.environ.get(ENV_FILE, "").strip() else "default"
    found.results.append(
        ok("settings file", f"{path} ({chosen}){'' if path.exists() else ', which does not exist'}")
    )
    names: tuple[str, ...] = (SINGLE_ACCOUNT,)
    variables = PipelineSettings.variables()
    found.pipeline = found.load(PipelineSettings.load, variables, origin)
    if found.pipeline is not None:
        names = found.pipeline.accounts
        if found.pipeline.warehouse is not None:
            found.load(LakeSettings.load, LakeSettings.variables(), origin)
    elif variables["accounts"] in origin:
        return found
    for name in names:
        variables = AccountSettings.variables_of(name, origin)
        if account := found.load(partial(AccountSettings.load, name, names), variables, origin):
            found.accounts[name] = account
            found.results += _advice(account, variables)
    found.results += _others(names, origin)
    return found


def _shown(name: str, value: object, *, is_set: bool) -> str:
    """A valid value, unless it is secret."""
    if value is None:
        # The one value that means None is BILLING_WAREHOUSE=file.
        return "file" if is_set or name == "warehouse" else "not set"
    if isinstance(value, SecretStr) or name in _HIDDEN:
        return "hidden"
    if name in _IDS:
        # If ID and secret were swapped, this is the secret.
        return f"{str(value)[:8]}…" if is_api_id(value) else "hidden, because it is not a UUID"
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _advice(account: AccountSettings, variables: Mapping[str, str]) -> Iterator[Result]:
    """Settings that are valid, but hardly what their user wants."""
    if text := _KIND_ADVICE.get(account.report_kind):
        yield warning("report kind", text, f"Set {variables['report_kind']}=usage_summary.")
    if text := _LEVEL_ADVICE.get(account.report_level):
        todo = f"Set {variables['report_level']} to direct_partners or all_customers."
        yield warning("report level", text, todo)


def _others(accounts: tuple[str, ...], origin: Mapping[str, str]) -> Iterator[Result]:
    """Variables that nothing reads, such as misspelt ones; and those of other programs."""
    if unread := unknown_settings(accounts):
        named = ", ".join(
            f"{name} ({origin[name]}){f', perhaps {close}' if close else ''}"
            for name, close in unread.items()
        )
        yield warning("settings", f"nothing reads {named}", "Correct the name, or BILLING_ACCOUNTS.")
    names = (each for name in _OF_OTHER_PROGRAMS for each in (name, name.lower()))
    if present := [name for name in names if os.environ.get(name)]:
        yield ok("environment", f"also set: {', '.join(present)}")
