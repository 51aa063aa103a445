"""The input reports: the sandbox's distributor at any size, in both layouts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from billing_pipeline.sandbox.distributor import Distributor
from billing_pipeline.sandbox.report_files import render_report
from billing_pipeline.sandbox.report_rows import ReportSelection, report_rows
from billing_pipeline.sandbox.windows import Window

PERIOD = "2026-09"
LAYOUTS = ("flat", "grouped")
_SEED = 2015
_PROBE = 500


@dataclass(frozen=True, slots=True)
class Input:
    """One report of a size.

    Args:
        report: json_v2_0 file.
        lines: the same elements as newline-delimited JSON.
        rows: how many usage rows it has.
    """

    report: Path
    lines: Path
    rows: int


def make_input(folder: Path, layout: str, rows: int) -> Input:
    """A report of about this many rows, generated unless it exists already."""
    tenants = tenants_for(rows)
    report = folder / f"{layout}-{rows}.json"
    lines = report.with_suffix(".ndjson")
    counted = report.with_suffix(".rows")
    if not counted.exists():
        folder.mkdir(parents=True, exist_ok=True)
        distributor = Distributor(_SEED, tenants)
        selection = _selection(distributor)
        generated_at = datetime(2026, 10, 2, 7, tzinfo=UTC)
        with report.open("wb") as file:
            file.writelines(render_report("json_v2_0", distributor, selection, generated_at, layout))
        with lines.open("w", encoding="utf-8") as file:
            file.writelines(_elements(report))
        counted.write_text(str(sum(len(block) for _, block in report_rows(distributor, selection))))
    return Input(report, lines, int(counted.read_text()))


def tenants_for(rows: int) -> int:
    """How many tenants have about this many rows."""
    probe = Distributor(_SEED, _PROBE)
    per_tenant = sum(len(block) for _, block in report_rows(probe, _selection(probe))) / _PROBE
    return max(1, round(rows / per_tenant))


def _selection(distributor: Distributor) -> ReportSelection:
    return ReportSelection(
        tenant_id=distributor.root.id, period=Window.of_month(PERIOD), hide_zero_usage=True, show_skus=True
    )


def _elements(report: Path) -> Iterator[str]:
    """Each element on a line of its own; the sandbox starts each row on a new one, and each report."""
    with report.open(encoding="utf-8") as file:
        next(file)
        element = ""
        for line in file:
            if line.startswith("]}"):
                return
            element += line.strip()
            if _is_whole(element):
                yield element.removesuffix(",") + "\n"
                element = ""


def _is_whole(element: str) -> bool:
    # In the grouped layout every row but the last of its tenant ends in `}` and a comma as well.
    grouped = element.startswith('{"tenant":')
    return not grouped or element.removesuffix(",").endswith("]}")
