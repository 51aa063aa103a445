"""`billing-pipeline status`: the state of each period, one line each."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime

import click

from billing_pipeline.errors import DataFolderError, PeriodError, RawReportError
from billing_pipeline.ordering.state import Outcome, ReportRequest, load_requests
from billing_pipeline.periods import AccountPeriod, BillingPeriod
from billing_pipeline.settings import PipelineSettings
from billing_pipeline.warehouse import LoadedPeriod, open_warehouse
from billing_pipeline.warehouse.freshness import due_at, overdue_periods
from billing_pipeline.warehouse.history import loaded_periods

_HEADERS = ("period", "state", "report", "rows", "control totals", "checks", "loaded at (UTC)")


@click.command(
    epilog="Control totals: the exact sum of absolute_total by measurement unit; for seconds, of "
    "delta_total. Findings of checks are listed below the table; all of them are in the table load_checks."
)
def command() -> int:
    """Show the state of each period that was ever requested or loaded, one line each.

    The status is 1 if the requests of a period could not be read.
    """
    from tabulate import tabulate  # noqa: PLC0415

    settings = PipelineSettings.load()
    requests, damaged = _latest_requests(settings)
    loads = loaded_periods(open_warehouse(settings))
    lines = [
        _line(subject, requests.get(subject), loads.get(subject)) for subject in sorted({*requests, *loads})
    ]
    if lines:
        alignment = ("left",) * 3 + ("right",)
        print(tabulate(lines, _HEADERS, tablefmt="simple", disable_numparse=True, colalign=alignment))
        if notes := list(_notes(requests, loads, settings.accounts)):
            print("", *notes, sep="\n")
    elif not damaged:
        print("No period was requested or loaded yet: billing-pipeline run")
    for message in damaged:
        print(message, file=sys.stderr)
    return 1 if damaged else 0


def _notes(
    requests: Collection[AccountPeriod],
    loads: Mapping[AccountPeriod, LoadedPeriod],
    accounts: Collection[str],
) -> Iterator[str]:
    """Details that have no room in the table."""
    for subject, load in loads.items():
        if load.last_outcome != "loaded":
            last = f"{load.last_outcome} at {load.last_attempt_at:%Y-%m-%d %H:%M} UTC"
            yield f"{subject}  {last}: {load.last_reason}"
        if load.forced:
            yield f"{subject}  was loaded last with --force"
        if load.restated_keys:
            differ = f"{load.restated_keys:,} keys differ from the load before"
            yield f"{subject}  restated: {differ} (table usage_restatement)"
        for check in load.checks:
            if not check.passed:
                yield f"{subject}  {check.check_name} ({check.severity}): {check.detail}"
    loaded = {subject for subject, load in loads.items() if load.loaded_at}
    seen = {subject.account for subject in (*requests, *loads)}
    for account in sorted(accounts):
        if account not in seen:
            yield f"{account}  was never requested or loaded"
        its_periods = {subject.period for subject in loaded if subject.account == account}
        for period in overdue_periods(its_periods, now=datetime.now(UTC)):
            subject = AccountPeriod(period, account)
            yield f"{subject}  overdue: not loaded, was due {due_at(period):%Y-%m-%d %H:%M} UTC"


def _checks(load: LoadedPeriod) -> str:
    if not load.checks:
        return ""
    numbers = Counter("passed" if check.passed else check.severity for check in load.checks)
    others = (f", {numbers[severity]} {severity}" for severity in ("warn", "stop") if numbers[severity])
    return f"{numbers['passed']} passed{''.join(others)}"


def _latest_requests(settings: PipelineSettings) -> tuple[dict[AccountPeriod, ReportRequest], list[str]]:
    """The latest request of each period, and the errors of state files that cannot be read."""
    latest, damaged = {}, []
    for account in settings.accounts:
        folder = settings.account_dir(account)
        for path in sorted((folder / "requests").glob("????-??.json")):
            try:
                period = BillingPeriod.parse(path.stem)
                request = load_requests(folder, period).latest
            except PeriodError:
                damaged.append(f"{path} is not named after a period. Move the file away.")
            except (RawReportError, DataFolderError) as error:
                damaged.append(str(error))
            else:
                if request is not None:
                    latest[AccountPeriod(period, account)] = request
    return latest, damaged


def _line(
    subject: AccountPeriod, request: ReportRequest | None, load: LoadedPeriod | None
) -> tuple[str, ...]:
    report_id = (load and load.report_id) or (request and request.report_id) or ""
    cells = (str(subject), _state(request, load), report_id)
    if load is None:
        return (*cells, "", "", "", "")
    return (
        *cells,
        "" if load.row_count is None else f"{load.row_count:,}",
        _totals(load.control_totals or {}),
        _checks(load),
        f"{load.loaded_at:%Y-%m-%d %H:%M:%S}" if load.loaded_at else "",
    )


def _state(request: ReportRequest | None, load: LoadedPeriod | None) -> str:
    states = []
    if load is not None and load.loaded_at is not None:
        states.append("loaded, closed" if load.closed_at else "loaded")
    if load is not None and load.last_outcome != "loaded":
        states.append(f"last attempt {load.last_outcome}" if states else load.last_outcome)
    elif request is not None and (load is None or request.report_id != load.report_id):
        states.append(_progress_of(request))
    return "; ".join(states)


def _progress_of(request: ReportRequest) -> str:
    if request.outcome is Outcome.LOADED:
        return "loaded before, not in the warehouse"
    if not request.is_open:
        return request.outcome.value
    if request.report is None:
        return "requesting"
    return "ready, not loaded" if request.is_ready else "requested"


def _totals(sums: Mapping[str, Mapping[str, int]]) -> str:
    return "  ".join(
        f"{unit} {totals['delta_total' if unit == 'seconds' else 'absolute_total']:,}"
        for unit, totals in sorted(sums.items())
    )
