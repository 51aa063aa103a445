"""`billing-pipeline check`: whether settings, API, data folder and warehouse are ready, one line each."""

from collections import Counter
from collections.abc import Iterator
from functools import partial

import click

from billing_pipeline.acronis import AcronisClient, RetryPolicy
from billing_pipeline.cli.periods import PERIOD
from billing_pipeline.cli.progress import ProgressDisplay
from billing_pipeline.periods import AccountPeriod, BillingPeriod, named_account
from billing_pipeline.preflight.api import check_api
from billing_pipeline.preflight.machine import check_data_folder, check_versions, check_warehouse
from billing_pipeline.preflight.result import Result, Verdict
from billing_pipeline.preflight.schedule import check_schedule
from billing_pipeline.preflight.settings import find_settings
from billing_pipeline.preflight.trial import trial_results
from billing_pipeline.settings import AccountSettings, PipelineSettings

_FEW_ATTEMPTS = RetryPolicy(attempts=2)


@click.command(
    epilog="The output has no secrets and no customers' names, so it can be pasted into a bug report. "
    "Without --try nothing is created at Acronis and nothing is written to the data folder; with it, neither "
    "the state of the period nor the warehouse changes."
    "\n\n\b\nExample:\n  billing-pipeline check --period last --try"
)
@click.option(
    "--try",
    "try_report",
    is_flag=True,
    help="Also request one report, load it in a temporary folder, and show its layout and levels.",
)
@click.option("--period", type=PERIOD, help="Period of the report of --try; default: last complete month.")
def command(*, try_report: bool, period: BillingPeriod | None) -> int:
    """Check settings, API, data folder and warehouse before the first run, one line each.

    The status is 1 if something has failed.
    """
    if period is not None and not try_report:
        raise click.UsageError("--period is the period of the report of --try: add --try, or leave it out.")
    to_try = (period or BillingPeriod.last_complete()) if try_report else None
    if to_try is not None:
        to_try.require_ended()
    numbers: Counter[Verdict] = Counter()
    with ProgressDisplay("checking settings, API and data folder") as display:
        for result in _results(to_try, display):
            print(result, flush=True)
            numbers[result.verdict] += 1
    print(f"{numbers[Verdict.FAILED]} failed, {numbers[Verdict.WARNING]} warnings")
    return 1 if numbers[Verdict.FAILED] else 0


def _results(period_to_try: BillingPeriod | None, display: ProgressDisplay) -> Iterator[Result]:
    yield check_versions()
    found = find_settings()
    yield from found.results
    if found.pipeline is not None:
        yield check_data_folder(found.pipeline)
        yield from check_warehouse(found.pipeline)
        yield check_schedule(found.pipeline)
    for account in found.accounts.values():
        name = named_account(account.account)
        for result in _account_results(found.pipeline, account, period_to_try, display):
            yield result.of_account(name) if name else result


def _account_results(
    pipeline: PipelineSettings | None,
    account: AccountSettings,
    period_to_try: BillingPeriod | None,
    display: ProgressDisplay,
) -> Iterator[Result]:
    usable = True
    credentials = (account.base_url, account.client_id, account.client_secret)
    with AcronisClient(*credentials, retry_policy=_FEW_ATTEMPTS) as client:
        for result in check_api(client, account):
            yield result
            usable = usable and result.verdict is not Verdict.FAILED
    if period_to_try is None or pipeline is None:
        return
    if not usable:
        yield Result(Verdict.FAILED, "report", "not requested", "Correct what failed above first.")
        return
    progress = partial(display.update, AccountPeriod(period_to_try, account.account))
    yield from trial_results(pipeline, account, period_to_try, progress)
