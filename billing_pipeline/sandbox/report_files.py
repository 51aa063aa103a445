"""Writes a report's files: both formats in one pass over the rows, a few hundred KiB in memory at a time."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import BinaryIO

from billing_pipeline.sandbox.distributor import Distributor
from billing_pipeline.sandbox.names import ROOT_NAME
from billing_pipeline.sandbox.rendering import CsvRenderer, JsonRenderer, Renderer
from billing_pipeline.sandbox.report_rows import ReportSelection, report_rows

MACHINE_FORMATS = ("json_v2_0", "csv_v2_0")
# `params.report_level` and `.report_type` as documented; levels and kinds without a documented number get 0.
_LEVEL_NUMBERS = {"direct_partners": 1, "all_customers": 2, "accounts": 3, "all_partners": 4}
_KIND_NUMBERS = {"usage_daily": 4, "usage_summary": 5, "usage_current": 8}
_CHUNK = 1 << 18
_FAST = 1  # gzip level: reports are repetitive, and time matters more than size here


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """How a report is written; the rows themselves follow from the selection."""

    generated_at: datetime
    show_skus: bool = False
    json_layout: str = "flat"
    group_id: int = 1326401


class _Output:
    """One file: text in, compressed bytes out."""

    def __init__(self, renderer: Renderer, destination: BinaryIO, *, compress: bool) -> None:
        self.renderer = renderer
        self.size = 0
        self._destination = destination
        self._compressor = zlib.compressobj(_FAST, zlib.DEFLATED, 31) if compress else None
        self._pending: list[str] = [renderer.head()]
        self._length = 0

    def add(self, text: str) -> None:
        self._pending.append(text)
        self._length += len(text)
        if self._length >= _CHUNK:
            self._flush()

    def finish(self) -> None:
        self._pending.append(self.renderer.tail())
        self._flush()
        if self._compressor is not None:
            self._destination.write(self._compressor.flush())

    def _flush(self) -> None:
        data = "".join(self._pending).encode()
        self._pending.clear()
        self._length = 0
        self.size += len(data)
        self._destination.write(data if self._compressor is None else self._compressor.compress(data))


def write_report(
    destinations: Mapping[str, BinaryIO],
    distributor: Distributor,
    selection: ReportSelection,
    options: ReportOptions,
    *,
    compress: bool = False,
) -> dict[str, int]:
    """Write a report in one or both machine-readable formats.

    Args:
        destinations: a writable binary file for each of `json_v2_0` and `csv_v2_0` that is wanted.
        distributor: whose tenants.
        selection: which rows.
        options: how they are written.
        compress: gzip.

    Returns:
        The size of each format in bytes, before compression.
    """
    outputs = {
        report_format: _Output(
            _renderer(report_format, distributor, selection, options), file, compress=compress
        )
        for report_format, file in destinations.items()
    }
    for tenant, rows in report_rows(distributor, selection):
        for output in outputs.values():
            output.add(output.renderer.block(tenant, rows))
    for output in outputs.values():
        output.finish()
    return {report_format: output.size for report_format, output in outputs.items()}


def report_params(
    distributor: Distributor, selection: ReportSelection, options: ReportOptions
) -> dict[str, object]:
    """The `params` of json_v2_0; times are UNIX seconds, the end is the period's last second."""
    subject = distributor.find(selection.tenant_id)
    kind = _KIND_NUMBERS.get(selection.kind, 0)
    return {
        "kind": kind,
        "gen_date": int(options.generated_at.timestamp()),
        "begin_date": _unix(selection.window.start, time.min),
        "end_date": _unix(selection.window.end, time(23, 59, 59)),
        "group_id": options.group_id,
        "name": distributor.name(subject, selection.window.closing.month) if subject else ROOT_NAME,
        "report_level": _LEVEL_NUMBERS.get(selection.level, 0),
        "report_type": kind,
    }


def _renderer(
    report_format: str, distributor: Distributor, selection: ReportSelection, options: ReportOptions
) -> Renderer:
    if report_format == "csv_v2_0":
        return CsvRenderer(show_skus=options.show_skus)
    if report_format == "json_v2_0":
        params = report_params(distributor, selection, options)
        return JsonRenderer(params, show_skus=options.show_skus, layout=options.json_layout)
    raise ValueError(f"the sandbox writes {' and '.join(MACHINE_FORMATS)}, not {report_format}")


def _unix(day: date, moment: time) -> int:
    return int(datetime.combine(day, moment, UTC).timestamp())
