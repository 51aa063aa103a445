"""`billing-pipeline run`: periods materialised through Dagster."""

import logging
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from billing_pipeline.acronis import AcronisClient, RetryPolicy
from billing_pipeline.cli.interrupts import is_interrupted
from billing_pipeline.cli.periods import PERIOD
from billing_pipeline.cli.progress import ProgressDisplay
from billing_pipeline.errors import BillingPipelineError, PeriodError, SettingsError
from billing_pipeline.orchestration.alerts import send_alert
from billing_pipeline.orchestration.settings import Settings
from billing_pipeline.ordering import supersede_request
from billing_pipeline.periods import AccountPeriod, BillingPeriod, named_account, periods_between
from billing_pipeline.settings import PipelineSettings
from billing_pipeline.settings.unknown import warn_of_unknown_settings

if TYPE_CHECKING:
    from billing_pipeline.orchestration.runs import PeriodRun

_log = logging.getLogger(__name__)
_CREDENTIAL_CHECK = RetryPolicy(attempts=3)


@click.command(epilog="\b\nExample:\n  billing-pipeline run --from 2026-01 --to 2026-09")
@click.option(
    "--period", "periods", multiple=True, type=PERIOD, help="Repeatable; default: last complete month."
)
@click.option("--from", "first", type=PERIOD, help="First period of a range.")
@click.option("--to", "last", type=PERIOD, help="Last period of the range; default: last complete month.")
@click.option(
    "--replay", is_flag=True, help="Rebuild the table from the raw reports on disk, with no network."
)
@click.option(
    "--new-report",
    is_flag=True,
    help="Request another report instead of continuing with one that is not loaded yet.",
)
@click.option(
    "--account",
    "names",
    multiple=True,
    metavar="NAME",
    help="One of BILLING_ACCOUNTS; repeatable; default: all.",
)
@click.option("--force", is_flag=True, help="Replace closed periods, too; this is recorded.")
def command(
    *,
    periods: tuple[BillingPeriod, ...],
    first: BillingPeriod | None,
    last: BillingPeriod | None,
    replay: bool,
    new_report: bool,
    names: tuple[str, ...],
    force: bool,
) -> int:
    """Request, await, download and load billing periods. Exits with 0 only if every period was loaded."""
    if replay and new_report:
        raise click.UsageError("--replay requests nothing: leave out --new-report.")
    settings = Settings(forced=force)
    warn_of_unknown_settings(settings.pipeline.accounts)
    to_load = _periods(periods, first, last, settings.pipeline)
    accounts = _accounts(names, settings.pipeline)
    try:
        # Open the warehouse once up front, so that a broken one is reported once and not per period.
        settings.warehouse.exists()
        with ProgressDisplay(f"loading {', '.join(map(str, to_load))} into {settings.warehouse.location}"):
            rejected = {} if replay else _check_credentials(accounts, settings)
        if len(rejected) == len(accounts):
            raise next(iter(rejected.values()))
        for error in rejected.values():
            _failed(str(error))
        accepted = [account for account in accounts if account not in rejected]
        subjects = [AccountPeriod(period, account) for period in to_load for account in accepted]
        for subject in subjects if new_report else ():
            supersede_request(settings.pipeline.account_dir(subject.account), subject.period)
        status = load(subjects, settings, replay=replay, failures=map(str, rejected.values()))
    except BillingPipelineError as error:
        send_alert(settings.pipeline.alert_webhook, [str(error)])
        raise
    return 1 if rejected else status


def load(
    periods: Sequence[AccountPeriod],
    settings: Settings,
    *,
    replay: bool = False,
    failures: Iterable[str] = (),
) -> int:
    """Load periods of accounts, with progress on stderr; returns the status of the command.

    Args:
        failures: messages of earlier failures, for the same alert.
    """
    remaining, all_loaded, messages = list(periods), True, list(failures)
    with ProgressDisplay("starting Dagster", len(periods)) as display:
        # Imported late: Dagster takes longer to import than all checks above.
        from billing_pipeline.orchestration.runs import run_periods  # noqa: PLC0415

        display.show(f"0 of {len(periods):,} done")
        for run in run_periods(periods, settings, listener=display.update, replay=replay):
            remaining.remove(run.period)
            if run.failure is None:
                print(_loaded(run), flush=True)
            elif not is_interrupted():
                all_loaded = False
                messages.append(run.failure)
                _failed(run.failure)
            if is_interrupted():
                raise KeyboardInterrupt
            display.end(run.period, "failed" if run.failure else "loaded")
    if remaining:
        names = f"{remaining[0]} … {remaining[-1]}" if len(remaining) > 1 else str(remaining[0])
        _failed(f"not attempted after that: {names}")
    send_alert(settings.pipeline.alert_webhook, messages)
    return 0 if all_loaded and not remaining else 1


def _failed(message: str) -> None:
    _log.error("billing-pipeline run: %s", message)


def _loaded(run: "PeriodRun") -> str:
    rows = "" if run.rows is None else f", {run.rows:,} rows"
    count = len(run.warnings)
    checks = f"{count} checks warn" if count > 1 else "1 check warns"
    warnings = f"; {checks}: {', '.join(run.warnings)} (see billing-pipeline status)" if count else ""
    charges = ", ".join(run.money_warnings)
    money = f"; charges: {charges} (see billing-pipeline ui)" if charges else ""
    return f"{run.period}  loaded{rows}{warnings}{money}"


def _periods(
    requested: Sequence[BillingPeriod],
    first: BillingPeriod | None,
    last: BillingPeriod | None,
    settings: PipelineSettings,
) -> list[BillingPeriod]:
    last_complete = BillingPeriod.last_complete()
    if last and not first:
        raise PeriodError("--to is given without --from", todo="Give the first period: --from YYYY-MM.")
    if first:
        last = last or last_complete
        if first > last:
            raise PeriodError(f"the range from {first} to {last} is empty", todo="Swap --from and --to.")
        requested = [*requested, *periods_between(first, last)]
    for period in (periods := sorted(set(requested or [last_complete]))):
        period.require_ended()
        if period < settings.first_period:
            raise PeriodError(
                f"the period is before the first one, {settings.first_period}",
                todo="Set BILLING_FIRST_PERIOD to load earlier months.",
                period=period.key,
            )
    return periods


def _accounts(names: Sequence[str], settings: PipelineSettings) -> list[str]:
    for name in names:
        if name not in settings.accounts:
            raise SettingsError(
                f"there is no account {name}",
                todo=f"BILLING_ACCOUNTS names {', '.join(settings.accounts)}.",
            )
    return list(dict.fromkeys(names)) or list(settings.accounts)


def _check_credentials(accounts: Sequence[str], settings: Settings) -> dict[str, BillingPipelineError]:
    """The error of each account whose API rejects its client or cannot be reached."""
    rejected: dict[str, BillingPipelineError] = {}
    for account in [settings.account(name) for name in accounts]:
        credentials = (account.base_url, account.client_id, account.client_secret)
        with AcronisClient(*credentials, retry_policy=_CREDENTIAL_CHECK) as client:
            try:
                # Where the tenant is set, a client without the right to read its own record is no obstacle.
                client.authenticate() if account.tenant_id else client.own_tenant_id()
            except BillingPipelineError as error:
                rejected[account.account] = error.about(account=named_account(account.account))
    return rejected
