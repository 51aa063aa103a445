"""A foreseeable fault as Dagster shows it best: one message, no stack trace, recorded in `load_history`."""

from collections.abc import Iterator
from contextlib import contextmanager

from dagster import AssetExecutionContext, Failure, MetadataValue

from billing_pipeline.account_periods import AccountPeriod
from billing_pipeline.assets.resources import DataFolder
from billing_pipeline.errors import (
    BillingPipelineError,
    PeriodClosedError,
    ReportRefusedError,
)
from billing_pipeline.warehouse import LoadAttempt, LoadStoppedError
from billing_pipeline.warehouse.history import record_attempt

ERROR_TYPE = "error"


@contextmanager
def one_clear_failure(
    context: AssetExecutionContext, data: DataFolder, subject: AccountPeriod
) -> Iterator[None]:
    """Turn an error of ours into Dagster's `Failure`, and record the attempt.

    Raises:
        Failure: its description is the error's message; it is not retried, because whatever a retry
            can help has been retried where it happened.
    """
    try:
        yield
    except BillingPipelineError as error:
        error.about(account=subject.named_account, period=subject.period.key)
        attempt = LoadAttempt(
            period=subject.period,
            account=subject.account,
            outcome="refused" if isinstance(error, (ReportRefusedError, PeriodClosedError)) else "failed",
            reason=str(error),
            report_id=error.report_id,
            run_id=context.run.run_id,
            checks=error.checks if isinstance(error, LoadStoppedError) else (),
        )
        try:
            record_attempt(data.warehouse, attempt)
        except BillingPipelineError as second:
            context.log.warning(f"The failure could not be recorded in load_history: {second}")
        raise failure_of(error) from None


def failure_of(error: BillingPipelineError) -> Failure:
    """An error of ours as Dagster shows it best."""
    return Failure(
        description=str(error),
        metadata={
            ERROR_TYPE: MetadataValue.text(type(error).__name__),
            "what_to_do": MetadataValue.text(error.todo),
        },
        allow_retries=False,
    )
