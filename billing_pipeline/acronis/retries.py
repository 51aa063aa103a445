"""Retries with exponential backoff."""

import logging
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, stop_when_event_set
from tenacity.nap import sleep_using_event

from billing_pipeline.acronis.failures import ApiUnavailableError

logger = logging.getLogger(__name__)

ATTEMPTS = 5
"""Attempts of one call. Acronis recommends two retries for 50x; two more outlast a short restart."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Number of attempts, and exponential backoff with jitter; waits in seconds.

    Args:
        retry_after_cap: longest `Retry-After` that is honoured in full.
    """

    attempts: int = ATTEMPTS
    first_wait: float = 1.0
    longest_wait: float = 30.0
    retry_after_cap: float = 120.0

    def wait(self, attempt: int, retry_after: float | None) -> float:
        """Seconds to wait after attempt number `attempt` (from 1): at least `retry_after`, up to the cap."""
        backoff = min(self.first_wait * 2.0 ** min(attempt - 1, 30), self.longest_wait)
        backoff *= random.uniform(1.0, 1.5)  # noqa: S311 - jitter, so that clients do not retry in step
        return max(backoff, min(retry_after or 0.0, self.retry_after_cap))


def retrying(
    policy: RetryPolicy,
    stop: threading.Event,
    retry_if: Callable[[ApiUnavailableError], bool] = lambda _: True,
) -> Retrying:
    """Retry after each `ApiUnavailableError` that satisfies `retry_if`; reraise the last one.

    Setting `stop` ends the current wait; the attempt after it is the last one.
    """

    def log(retry_state: RetryCallState) -> None:
        attempt = f"attempt {retry_state.attempt_number} of {policy.attempts}"
        what, wait = _unavailable(retry_state).what, retry_state.upcoming_sleep
        logger.warning("%s (%s); again in %.1f s", what, attempt, wait)

    return Retrying(
        retry=retry_if_exception(lambda e: isinstance(e, ApiUnavailableError) and retry_if(e)),
        wait=lambda state: policy.wait(state.attempt_number, _unavailable(state).retry_after),
        stop=stop_after_attempt(policy.attempts) | stop_when_event_set(stop),
        sleep=sleep_using_event(stop),
        before_sleep=log,
        reraise=True,
    )


def _unavailable(retry_state: RetryCallState) -> ApiUnavailableError:
    error = retry_state.outcome.exception() if retry_state.outcome else None
    assert isinstance(error, ApiUnavailableError)  # noqa: S101 - the only one that is retried
    return error
