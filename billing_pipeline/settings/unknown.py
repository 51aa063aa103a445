"""Environment variables that look like settings, and are none."""

from __future__ import annotations

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
    """Log a warning for each unknown `ACRONIS_…` or `BILLING_…` variable, once in a process.

    Args:
        accounts: names of the configured accounts, `PipelineSettings.accounts`.
    """
    known = {ENV_FILE, *_OF_DEPLOYMENT}
    known |= {*PipelineSettings.variables().values(), *LakeSettings.variables().values()}
    for account in accounts:
        known |= AccountSettings.all_variables(account)
    for name in sorted(environment()):
        if name.startswith(_PREFIXES) and name not in known:
            close = get_close_matches(name, known, n=1)
            _log.warning("%s is not a setting%s", name, f"; did you mean {close[0]}?" if close else "")
