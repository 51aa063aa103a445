"""`billing-pipeline status`: the state of each period, one line each."""

import json
import logging
import sys
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import click

from billing_pipeline.charges import PRICES_FOLDER, PriceState, price_state
from billing_pipeline.cli.terminal import write_table
from billing_pipeline.errors import DataFolderError, PeriodError, RawReportError, escaped
from billing_pipeline.ordering.state import Outcome, ReportRequest, load_requests
from billing_pipeline.periods import AccountPeriod, BillingPeriod
from billing_pipeline.settings import PipelineSettings
from billing_pipeline.settings.unknown import warn_of_unknown_settings
from billing_pipeline.warehouse import LoadedPeriod
from billing_pipeline.warehouse.freshness import due_at, overdue_periods
from billing_pipeline.warehouse.history import loaded_periods
from billing_pipeline.warehouses import open_warehouse

_log = logging.getLogger(__name__)
_EXIT_ATTENTION = 3
_MAX_UNPRICED = 3
# The widest last: a terminal cuts them.
_HEADERS = ("period", "state", "rows", "checks", "loaded at (UTC)", "report", "control totals")


@click.command(
    epilog="Control totals: the exact sum of absolute_total by measurement unit; for seconds, of "
    "delta_total. Findings of checks are listed below the table; all of them are in the table load_checks."
    "\n\n\b\nExample:\n  billing-pipeline status --check"
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for other programs.")
@click.option(
    "--check",
    is_flag=True,
    help="Exit with 3 if a month failed, is overdue, a check found something, the latest has usage without "
    "a price, or price files are not in force.",
)
def command(as_json: bool, check: bool) -> int:
    """Show the state of each period that was ever requested or loaded, one line each.

    The exit status is 1 if the requests of a period could not be read.
    """
    settings = PipelineSettings.load()
    warn_of_unknown_settings(settings.accounts)
    requests, damaged = _latest_requests(settings)
    warehouse = open_warehouse(settings)
    loads, prices = loaded_periods(warehouse), price_state(warehouse, settings.data_dir / PRICES_FOLDER)
    subjects = sorted({*requests, *loads})
    overdue = list(_overdue(loads, settings.accounts))
    if as_json:
        states = [_as_json(subject, requests.get(subject), loads.get(subject)) for subject in subjects]
        shown = {"periods": states, "overdue": [str(subject) for subject in overdue]}
        print(json.dumps(shown | ({"prices": _prices_as_json(prices)} if prices else {}), indent=2))
    elif subjects:
        lines = (_line(subject, requests.get(subject), loads.get(subject)) for subject in subjects)
        write_table(_HEADERS, lines, [name == "rows" for name in _HEADERS], sys.stdout)
        notes = list(_notes(requests, loads, settings.accounts))
        for subject in overdue:
            due = f"{due_at(subject.period):%Y-%m-%d %H:%M} UTC"
            notes.append(f"{subject}  overdue: not loaded, was due {due}")
        if notes := [*notes, *(_price_notes(prices) if prices else ())]:
            print("", *map(escaped, notes), sep="\n")
    elif not damaged:
        print("No period was requested or loaded yet: billing-pipeline run")
    for message in damaged:
        _log.error("%s", message)
    if damaged:
        return 1
    attention = overdue or any(map(_needs_attention, loads.values())) or _needs_prices(prices)
    return _EXIT_ATTENTION if check and attention else 0


def _needs_prices(prices: PriceState | None) -> bool:
    return prices is not None and bool(prices.unpriced or prices.changed_files)


def _needs_attention(load: LoadedPeriod) -> bool:
    return load.last_outcome != "loaded" or not all(check.passed for check in load.checks)


def _overdue(
    loads: Mapping[AccountPeriod, LoadedPeriod], accounts: Collection[str]
) -> Iterator[AccountPeriod]:
    loaded = {subject for subject, load in loads.items() if load.loaded_at}
    for account in sorted(accounts):
        its_periods = {subject.period for subject in loaded if subject.account == account}
        for period in overdue_periods(its_periods, now=datetime.now(UTC)):
            yield AccountPeriod(period, account)


def _as_json(
    subject: AccountPeriod, request: ReportRequest | None, load: LoadedPeriod | None
) -> dict[str, Any]:
    state: dict[str, Any] = {
        "period": subject.period.key,
        "account": subject.account,
        "state": _state(request, load),
        "report_id": (load and load.report_id) or (request and request.report_id),
    }
    if load is not None:
        state |= {
            "rows": load.row_count,
            "control_totals": load.control_totals,
            "loaded_at": load.loaded_at and load.loaded_at.isoformat(),
            "closed_at": load.closed_at and load.closed_at.isoformat(),
            "last_outcome": load.last_outcome,
            "last_reason": load.last_reason,
            "checks": [
                {
                    "name": each.check_name,
                    "severity": each.severity,
                    "passed": each.passed,
                    "detail": each.detail,
                }
                for each in load.checks
            ],
        }
    return state


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
    findings: dict[str, list[str]] = {}
    for subject, load in loads.items():
        for check in load.checks:
            if not check.passed:
                finding = f"{check.check_name} ({check.severity}): {check.detail}"
                findings.setdefault(finding, []).append(str(subject))
    for finding, subjects in findings.items():
        yield f"{', '.join(subjects)}  {finding}"
    seen = {subject.account for subject in (*requests, *loads)}
    for account in sorted(set(accounts) - seen):
        yield f"{account}  was never requested or loaded"


def _price_notes(prices: PriceState) -> Iterator[str]:
    days = _age(prices).days
    age = f"{days:,} day{'' if days == 1 else 's'} ago"
    yield f"prices  loaded at {prices.loaded_at:%Y-%m-%d %H:%M} UTC, {age}"
    if prices.changed_files:
        yield f"prices  not in force: {', '.join(prices.changed_files)} (billing-pipeline prices load)"
    for item in prices.unpriced[:_MAX_UNPRICED]:
        yield f"prices  no price for {item}"
    if (more := len(prices.unpriced) - _MAX_UNPRICED) > 0:
        yield f"prices  no price for {more:,} more items of {prices.latest} (view unpriced_usage)"
    for due in prices.corrections:
        lines = f"{due.lines:,} line{'' if due.lines == 1 else 's'}"
        yield (
            f"prices  correction due of {due.charge_period:%Y-%m}: {due.amount:,} {due.currency}, {lines}, "
            "invoiced with the next month that is closed"
        )


def _prices_as_json(prices: PriceState) -> dict[str, Any]:
    return {
        "loaded_at": prices.loaded_at.isoformat(),
        "age_days": _age(prices).days,
        "changed_files": list(prices.changed_files),
        "unpriced": {
            "period": prices.latest and prices.latest.key,
            "items": list(prices.unpriced),
        },
        "corrections_due": [
            {
                "period": f"{due.charge_period:%Y-%m}",
                "currency": due.currency,
                "lines": due.lines,
                "amount": str(due.amount),
            }
            for due in prices.corrections
        ],
    }


def _age(prices: PriceState) -> timedelta:
    return max(datetime.now(UTC) - prices.loaded_at, timedelta())


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
    cells = (str(subject), _state(request, load))
    if load is None:
        return (*cells, "", "", "", report_id, "")
    return (
        *cells,
        "" if load.row_count is None else f"{load.row_count:,}",
        _checks(load),
        f"{load.loaded_at:%Y-%m-%d %H:%M:%S}" if load.loaded_at else "",
        report_id,
        _totals(load.control_totals or {}),
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


def _totals(sums: Mapping[str, Mapping[str, int | Decimal]]) -> str:
    return "  ".join(
        f"{unit} {totals['delta_total' if unit == 'seconds' else 'absolute_total']:,}"
        for unit, totals in sorted(sums.items())
    )
