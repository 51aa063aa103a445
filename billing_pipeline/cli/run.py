"""`billing-pipeline run`: periods materialised through Dagster."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from billing_pipeline.account_periods import AccountPeriod
from billing_pipeline.acronis import AcronisClient, ApiUnavailableError, RetryPolicy
from billing_pipeline.cli.progress import ProgressLine, warnings_shown_by
from billing_pipeline.errors import BillingPipelineError, CredentialsError, PeriodError, SettingsError
from billing_pipeline.ordering import Progress
from billing_pipeline.periods import BillingPeriod, periods_between
from billing_pipeline.settings import AccountSettings, PipelineSettings
from billing_pipeline.warehouse import open_warehouse

# After one of these the next period would fail alike: asking on would only load a server that is down.
_HOPELESS = {ApiUnavailableError.__name__, CredentialsError.__name__}


def describe(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument(
        "--period",
        action="append",
        default=[],
        metavar="YYYY-MM",
        help="repeatable; default: last closed month",
    )
    parser.add_argument("--from", dest="first", metavar="YYYY-MM", help="first period of a range")
    parser.add_argument("--to", dest="last", metavar="YYYY-MM", help="last one; default: last closed month")
    parser.add_argument(
        "--replay",
        action="store_true",
        help="rebuild the table from the raw reports on disk, with no network",
    )
    parser.add_argument(
        "--account",
        action="append",
        default=[],
        metavar="NAME",
        help="one of BILLING_ACCOUNTS; repeatable; default: all",
    )
    parser.add_argument("--force", action="store_true", help="replace closed periods, too; this is recorded")


def execute(arguments: argparse.Namespace) -> int:
    """Load the periods.

    Returns:
        0 only if every period was loaded.

    Raises:
        BillingPipelineError: settings or periods are wrong, the warehouse cannot be reached, or the API
            does not let this client in; nothing was written.
    """
    settings = PipelineSettings.load()
    periods = _periods(arguments, settings)
    accounts = _accounts(arguments, settings)
    # Of a warehouse that cannot be opened, one line; not one for each period.
    open_warehouse(settings).exists()
    closed = {} if arguments.replay else _knock(accounts)
    if len(closed) == len(accounts):
        raise next(iter(closed.values()))
    for error in closed.values():
        print(f"billing-pipeline run: {error}", file=sys.stderr)
    subjects = [
        AccountPeriod(period, account) for period in periods for account in accounts if account not in closed
    ]
    status = load(subjects, settings, replay=arguments.replay, force=arguments.force)
    return 1 if closed else status


def load(
    subjects: list[AccountPeriod], settings: PipelineSettings, *, replay: bool = False, force: bool = False
) -> int:
    """Load periods of accounts, telling progress on stderr; the status as in `execute`."""
    # Importing Dagster takes longer than all of the checks before it.
    from billing_pipeline.cli.backfill import run_at_once  # noqa: PLC0415

    line = ProgressLine()

    def show(subject: AccountPeriod, progress: Progress) -> None:
        line.update(f"{subject}  {progress}")

    failures = []
    remaining = list(subjects)
    with warnings_shown_by(line.update):
        for run in run_at_once(
            subjects,
            settings=settings,
            listener=show,
            assets=["usage"] if replay else None,
            force=force,
            hopeless=lambda run: run.error_type in _HOPELESS,
        ):
            remaining.remove(run.subject)
            line.settle(f"{run.subject}  {run.told}")
            if run.failure is not None:
                failures.append(run.failure)
    for failure in failures:
        print(f"billing-pipeline run: {failure}", file=sys.stderr)
    if remaining:
        names = f"{remaining[0]} … {remaining[-1]}" if len(remaining) > 1 else str(remaining[0])
        print(f"billing-pipeline run: not attempted after that: {names}", file=sys.stderr)
    return 1 if failures else 0


def _periods(arguments: argparse.Namespace, settings: PipelineSettings) -> list[BillingPeriod]:
    last_closed = BillingPeriod.last_closed()
    wanted = [BillingPeriod.parse(key) for key in arguments.period]
    if arguments.first or arguments.last:
        last = BillingPeriod.parse(arguments.last) if arguments.last else last_closed
        first = BillingPeriod.parse(arguments.first) if arguments.first else last
        if first > last:
            raise PeriodError(f"the range from {first} to {last} is empty", todo="Swap --from and --to.")
        wanted += periods_between(first, last)
    for period in (wanted := sorted(set(wanted or [last_closed]))):
        period.require_over()
        if period < settings.first_period:
            raise PeriodError(
                f"the period is before the first one, {settings.first_period}",
                todo="Set BILLING_FIRST_PERIOD to load earlier months.",
                period=period.key,
            )
    return wanted


def _accounts(arguments: argparse.Namespace, settings: PipelineSettings) -> list[str]:
    for name in arguments.account:
        if name not in settings.accounts:
            raise SettingsError(
                f"there is no account {name}",
                todo=f"BILLING_ACCOUNTS names {', '.join(settings.accounts)}.",
            )
    return list(dict.fromkeys(arguments.account)) or list(settings.accounts)


def _knock(accounts: Sequence[str]) -> dict[str, BillingPipelineError]:
    """Find out which accounts' API does not let its client in, before anything is written.

    Raises:
        SettingsError: a setting of an account is missing or bad.
    """
    closed: dict[str, BillingPipelineError] = {}
    line = ProgressLine()
    for settings in [AccountSettings.load(account) for account in accounts]:
        with (
            warnings_shown_by(line.glimpse),
            AcronisClient.from_settings(settings, retry_policy=RetryPolicy(attempts=3)) as client,
        ):
            try:
                client.own_tenant_id()
            except BillingPipelineError as error:
                named = AccountPeriod(BillingPeriod.last_closed(), settings.account).named_account
                closed[settings.account] = error.about(account=named)
            finally:
                line.clear()
    return closed
