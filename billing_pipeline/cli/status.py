"""`billing-pipeline status`: one line a period."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from billing_pipeline.landing import ReportRequest, load_requests
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.settings import PipelineSettings
from billing_pipeline.warehouse import LoadedPeriod, Warehouse
from billing_pipeline.warehouse.history import loaded_periods

_HEADERS = ("period", "state", "report", "rows", "control totals", "loaded at")


def describe(parser: argparse.ArgumentParser) -> None:
    """This command has no arguments."""
    parser.epilog = (
        "Control totals: the exact sum of absolute_total by measurement unit; for seconds, of delta_total."
    )


def execute(_: argparse.Namespace) -> int:
    """Print what state each period is in that was ever requested or loaded."""
    from tabulate import tabulate  # noqa: PLC0415

    data_dir = PipelineSettings.load().data_dir
    requests = _latest_requests(data_dir)
    loads = loaded_periods(Warehouse(data_dir))
    lines = [_line(period, requests.get(period), loads.get(period)) for period in sorted({*requests, *loads})]
    if not lines:
        print("No period was requested or loaded yet: billing-pipeline run")
        return 0
    print(
        tabulate(
            lines, _HEADERS, tablefmt="simple", disable_numparse=True, colalign=("left",) * 3 + ("right",)
        )
    )
    for period, load in loads.items():
        if load.last_outcome != "loaded":
            print(
                f"\n{period}  {load.last_outcome} at {load.last_attempt_at:%Y-%m-%d %H:%M} UTC:"
                f" {load.last_reason}"
            )
    return 0


def _latest_requests(data_dir: Path) -> dict[BillingPeriod, ReportRequest]:
    periods = (BillingPeriod.parse(path.stem) for path in (data_dir / "requests").glob("????-??.json"))
    latest = {period: load_requests(data_dir, period).latest for period in periods}
    return {period: request for period, request in latest.items() if request is not None}


def _line(period: BillingPeriod, request: ReportRequest | None, load: LoadedPeriod | None) -> tuple[str, ...]:
    return (
        period.key,
        _state(request, load),
        (load and load.report_id) or (request.report_id if request and request.report_id else ""),
        f"{load.row_count:,}" if load and load.row_count is not None else "",
        _totals(load.control_totals) if load and load.control_totals is not None else "",
        f"{load.loaded_at:%Y-%m-%d %H:%M:%S}" if load and load.loaded_at else "",
    )


def _state(request: ReportRequest | None, load: LoadedPeriod | None) -> str:
    loaded = load is not None and load.loaded_at is not None
    if load is not None and load.last_outcome != "loaded":
        return f"loaded; last attempt {load.last_outcome}" if loaded else load.last_outcome
    if load is not None and (request is None or request.report_id == load.report_id):
        return "loaded"
    return f"{'loaded; ' if loaded else ''}{_progress_of(request) if request else ''}"


def _progress_of(request: ReportRequest) -> str:
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
