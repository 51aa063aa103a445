"""One account's billing period: what a run loads, and what rows are replaced by."""

from __future__ import annotations

from typing import NamedTuple

from billing_pipeline.periods import BillingPeriod

SINGLE_ACCOUNT = "default"
"""The account whose settings, assets and files have no account's name in theirs: the only one, mostly."""


class AccountPeriod(NamedTuple):
    """A billing period of an account; written `2026-09`, or `2026-09 eu` where the account has a name."""

    period: BillingPeriod
    account: str

    @property
    def named_account(self) -> str | None:
        """The account as messages name it; None where there is but one."""
        return None if self.account == SINGLE_ACCOUNT else self.account

    def __str__(self) -> str:
        return f"{self.period} {self.account}" if self.named_account else self.period.key
