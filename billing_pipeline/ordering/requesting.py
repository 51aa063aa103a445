"""Requesting a period's report: continue the open request, adopt a report whose answer was lost, or POST.

Every POST that gets through makes another report, and the API has no idempotency key. So an intent with
the reports known before is on disk ahead of each POST, and whoever finds it there, this process or the
next one, looks for the report in the tenant's list before it POSTs again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

from billing_pipeline.acronis import AcronisClient, ReportOrder
from billing_pipeline.errors import BillingPipelineError, ReportNotReadyError
from billing_pipeline.landing import (
    Outcome,
    PeriodRequests,
    ReportRequest,
    find_raw_report,
    load_requests,
    period_lock,
)
from billing_pipeline.landing.requests import save_requests
from billing_pipeline.ordering.posting import Posting, is_gone
from billing_pipeline.ordering.progress import Progress, Tell, silent
from billing_pipeline.ordering.waiting import Patience
from billing_pipeline.periods import BillingPeriod

HISTORY_WAIT_FACTOR = 12.0
"""The usage history takes longer than a report: its waits are this many times the polling interval."""
HISTORY_LONGEST_WAIT_SECONDS = 300.0


def request_report(
    client: AcronisClient,
    data_dir: Path,
    order: ReportOrder,
    *,
    loaded_report_ids: Collection[str] = (),
    progress: Tell = silent,
    first_wait: float = 5.0,
    timeout: float = 1800.0,
    stop: threading.Event | None = None,
) -> ReportRequest:
    """Make sure that there is a report for `order`, and that there is one only.

    The latest request is continued unless its report was loaded or refused, failed, is gone from the API, or
    was ordered with other parameters. A report that was downloaded already needs no API.

    Args:
        client: the API.
        data_dir: everything that is kept lies below it.
        order: what is wanted.
        loaded_report_ids: ids of the reports that are in the warehouse.
        progress: is told what happens.
        first_wait, timeout: seconds; polling interval and deadline, also for a usage history that is not
            ready (there with `HISTORY_WAIT_FACTOR`).
        stop: ends any wait.

    Raises:
        ApiError, CredentialsError: the API refused, or could not be reached.
        ReportNotReadyError: the usage history was not ready before the deadline; nothing was created.
        ReportRefusedError: the API made a report about something else.
        RawReportError: the state on disk is damaged or cannot be written, or another run held the period.
    """
    period, began = order.period, time.monotonic()

    def waiting_for_other(seconds: float) -> None:
        progress(
            Progress("another run is busy with this period", elapsed_seconds=seconds, next_look_seconds=0.5)
        )

    with period_lock(data_dir, period, stop=stop, on_wait=waiting_for_other):
        requests = load_requests(data_dir, period)
        latest = requests.latest
        ended = _ended(client, data_dir, latest, order, loaded_report_ids) if latest is not None else None
        if latest is None or ended is not None:
            if latest is not None and latest.is_open and ended is not None:
                requests = requests.replaced(latest.closed(*ended))
            requests = requests.opened(_new_request(client, order))
        elif latest.report is not None and latest.intent is None:
            progress(Progress("continuing with the report requested before", latest.report_id))
            return latest
        patience = Patience(
            first_wait=first_wait * HISTORY_WAIT_FACTOR,
            timeout=max(0.0, timeout - (time.monotonic() - began)),
            stop=stop,
            longest_wait=HISTORY_LONGEST_WAIT_SECONDS,
        )
        return Posting(client, data_dir, requests, order, patience=patience, progress=progress).obtain()


def mark_refused(data_dir: Path, period: BillingPeriod, report_id: str, reason: str) -> None:
    """Record that the content of a report was refused: the next run orders another one.

    Args:
        data_dir: everything that is kept lies below it.
        period: the report's period.
        report_id: the report.
        reason: why, one sentence; nothing secret.
    """
    with period_lock(data_dir, period):
        requests = load_requests(data_dir, period)
        changed = []
        for request in requests.requests:
            reports = tuple(
                each.model_copy(update={"outcome": Outcome.REFUSED, "reason": reason})
                if each.report_id == report_id
                else each
                for each in request.reports
            )
            marked = request.model_copy(update={"reports": reports})
            if request.is_open and request.report_id == report_id:
                marked = marked.closed(Outcome.REFUSED, reason)
            changed.append(marked)
        save_requests(data_dir, period, requests.model_copy(update={"requests": tuple(changed)}))


def _new_request(client: AcronisClient, order: ReportOrder) -> ReportRequest:
    return ReportRequest(
        period=order.period.key,
        api_base_url=client.base_url,
        order=order.body(),
        opened_at=datetime.now(UTC),
    )


def _ended(
    client: AcronisClient,
    data_dir: Path,
    latest: ReportRequest,
    order: ReportOrder,
    loaded_report_ids: Collection[str],
) -> tuple[Outcome, str | None] | None:
    """Why the latest request is not continued; None if it is."""
    if not latest.is_open:
        return latest.outcome, latest.reason
    if latest.order != order.body():
        return Outcome.SUPERSEDED, "the order's parameters have changed"
    if latest.report_id is None or latest.intent is not None:
        return None
    if latest.report_id in loaded_report_ids:
        return Outcome.LOADED, None
    if not _is_downloaded(data_dir, order.period, latest.report_id) and is_gone(client, latest.report_id):
        return Outcome.GONE, "the API does not know the report any more"
    return None


def _is_downloaded(data_dir: Path, period: BillingPeriod, report_id: str) -> bool:
    try:
        return find_raw_report(data_dir, period, report_id) is not None
    except BillingPipelineError:
        # A damaged one is for the later steps to refuse with their own message.
        return True


def current_request(requests: PeriodRequests, period: BillingPeriod) -> ReportRequest:
    """The latest request with a report that can be awaited or downloaded.

    Raises:
        ReportNotReadyError: there is none.
    """
    latest = requests.latest
    if latest is None or latest.report is None:
        raise ReportNotReadyError(
            "no report has been requested",
            todo="Start with report_request, the first step.",
            period=period.key,
        )
    if latest.outcome in {Outcome.REFUSED, Outcome.FAILED, Outcome.GONE, Outcome.SUPERSEDED}:
        raise ReportNotReadyError(
            f"the report requested last cannot be used any more: {latest.reason or latest.outcome}",
            todo="Start with report_request, the first step: it orders another one.",
            period=period.key,
            report_id=latest.report_id,
        )
    return latest
