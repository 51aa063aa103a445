"""Environment variables that look like settings, and are none."""

import logging
from collections.abc import Sequence
from difflib import get_close_matches
from functools import cache

from billing_pipeline.settings.account import AccountSettings
from billing_pipeline.settings.environment import ENV_FILE, environment
from billing_pipeline.settings.lake import LakeSettings
from billing_pipeline.settings.pipeline import PipelineSettings

_log = logging.getLogger(__name__)
_PREFIXES = ("ACRONIS_", "BILLING_")
# Read by the deployment's own files.
_OF_DEPLOYMENT = {"BILLING_CODE_HOST", "BILLING_CODE_PORT", "BILLING_IMAGE_TARGET"}


@cache
def warn_of_unknown_settings(accounts: Sequence[str]) -> None:
    """Log a warning for each unknown setting, once in a process.

    Args:
        accounts: names of the configured accounts, `PipelineSettings.accounts`.
    """
    for name, close in unknown_settings(accounts).items():
        _log.warning("%s is not a setting%s", name, f"; did you mean {close}?" if close else "")


def unknown_settings(accounts: Sequence[str]) -> dict[str, str | None]:
    """Each `ACRONIS_…` or `BILLING_…` variable that is set and that nothing reads, with the closest setting.

    Args:
        accounts: names of the configured accounts.
    """
    known = {ENV_FILE, *_OF_DEPLOYMENT, *AccountSettings.variables().values()}
    known |= {*PipelineSettings.variables().values(), *LakeSettings.variables().values()}
    for account in accounts:
        known |= AccountSettings.all_variables(account)
    unknown = (name for name in sorted(environment()) if name.startswith(_PREFIXES) and name not in known)
    return {name: next(iter(get_close_matches(name, known, n=1)), None) for name in unknown}
