"""Foreseeable errors as Dagster failures: one message, no stack trace, recorded in `load_history`."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from billing_pipeline.errors import BillingPipelineError, PeriodClosedError, ReportRefusedError
from billing_pipeline.loading.checks import LoadStoppedError
from billing_pipeline.orchestration.accounts import account_period
from billing_pipeline.orchestration.settings import Settings
from billing_pipeline.periods import AccountPeriod
from billing_pipeline.warehouse import LoadAttempt


@contextmanager
def as_dagster_failure(context: dg.AssetExecutionContext, settings: Settings) -> Iterator[AccountPeriod]:
    """Raise an error of ours as Dagster's `Failure`, and record the attempt.

    Yields:
        The account and the billing period that are materialised.

    Raises:
        Failure: with the error's message. Dagster does not retry it: transient errors were retried where they
            occurred.
    """
    period = account_period(context)
    try:
        yield period
    except BillingPipelineError as error:
        error.about(account=period.named_account, period=period.period.key)
        attempt = LoadAttempt(
            period=period.period,
            account=period.account,
            outcome="refused" if isinstance(error, (ReportRefusedError, PeriodClosedError)) else "failed",
            reason=str(error),
            report_id=error.report_id,
            run_id=context.run.run_id,
            checks=error.checks if isinstance(error, LoadStoppedError) else (),
        )
        try:
            settings.warehouse.record_failure(attempt)
        except BillingPipelineError as second:
            context.log.warning(f"The failure could not be recorded in load_history: {second}")
        raise failure_from(error) from None


def failure_from(error: BillingPipelineError) -> dg.Failure:
    """An error of ours as Dagster's `Failure`."""
    return dg.Failure(
        description=str(error),
        metadata={
            "error": dg.MetadataValue.text(type(error).__name__),
            "what_to_do": dg.MetadataValue.text(error.todo),
        },
        allow_retries=False,
    )
