"""The files of a report: csv_v2_0, and json_v2_0 in the layouts that are in use."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Protocol

from billing_pipeline.sandbox.distributor import Distributor
from billing_pipeline.sandbox.offering import APPLICATION_IDS, SkuState
from billing_pipeline.sandbox.report_rows import ReportRow, ReportSelection, TenantFacts, report_rows

MACHINE_FORMATS = ("json_v2_0", "csv_v2_0")
JSON_LAYOUTS = ("flat", "grouped")
CSV_COLUMNS = (
    "application.id", "application.name", "date",
    "infra.backend_type", "infra.id", "infra.name", "infra.owner_id",
    "is_range", "measurement_unit", "name",
    "pricing.currency", "pricing.mode", "pricing.price", "pricing.total_cost",
    "quota.value",
    "tenant.customer_id", "tenant.id", "tenant.kind", "tenant.name",
    "usage.absolute.production", "usage.absolute.total", "usage.absolute.trial",
    "usage.delta.production", "usage.delta.total", "usage.delta.trial",
    "usage.effective.production", "usage.effective.total", "usage.effective.trial",
    "edition",
)  # fmt: skip
# `params.report_level` and `.report_type` as documented; levels and kinds without a documented number get 0.
_LEVEL_NUMBERS = {"direct_partners": 1, "all_customers": 2, "accounts": 3, "all_partners": 4}
_KIND_NUMBERS = {"usage_daily": 4, "usage_summary": 5, "usage_current": 8}
_GROUP_ID = 1326401
# Both ways of writing beyond ASCII are valid JSON; about half of the tenants have each.
_ENCODERS = {
    escaped: json.JSONEncoder(ensure_ascii=escaped, check_circular=False, separators=(",", ":"))
    for escaped in (True, False)
}


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """How a report is written; the rows follow from the selection.

    Args:
        generated_at: aware time for `params.gen_date`.
        show_skus: whether rows have a `sku`.
        json_layout: `flat`, an element for each usage row, or `grouped`, an element for each tenant with its
            rows in `usages`.
    """

    generated_at: datetime
    show_skus: bool = False
    json_layout: str = "flat"


class Destination(Protocol):
    """A writable binary file."""

    def write(self, data: bytes, /) -> int: ...


def write_report(
    destinations: Mapping[str, Destination],
    distributor: Distributor,
    selection: ReportSelection,
    options: ReportOptions,
) -> None:
    """Write a report in one or both machine-readable formats, one tenant in memory at a time.

    Args:
        destinations: a writable binary file for each requested format, `json_v2_0` or `csv_v2_0`.
        distributor: whose tenants.
        selection: which rows.
        options: how they are written.

    Raises:
        ValueError: a format or layout is unknown.
    """
    outputs = [
        (file, _renderer(report_format, distributor, selection, options))
        for report_format, file in destinations.items()
    ]
    for file, renderer in outputs:
        file.write(renderer.head.encode())
    for tenant, rows in report_rows(distributor, selection):
        fields = [_fields(row, show_skus=options.show_skus) for row in rows]
        for file, renderer in outputs:
            file.write(renderer.block(tenant, fields).encode())
    for file, renderer in outputs:
        file.write(renderer.tail.encode())


def _renderer(
    report_format: str, distributor: Distributor, selection: ReportSelection, options: ReportOptions
) -> _CsvRenderer | _JsonRenderer:
    if report_format == "csv_v2_0":
        return _CsvRenderer((*CSV_COLUMNS, "sku") if options.show_skus else CSV_COLUMNS)
    if report_format != "json_v2_0":
        raise ValueError(f"the sandbox writes {' and '.join(MACHINE_FORMATS)}, not {report_format}")
    if options.json_layout not in JSON_LAYOUTS:
        raise ValueError(f"the layout of json_v2_0 is one of {', '.join(JSON_LAYOUTS)}")
    params = _report_params(distributor, selection, options)
    return _JsonRenderer(params, grouped=options.json_layout == "grouped")


def _report_params(
    distributor: Distributor, selection: ReportSelection, options: ReportOptions
) -> dict[str, object]:
    """The `params` of json_v2_0; times are UNIX seconds, the end is the period's last second."""
    subject = distributor.find(selection.tenant_id) or distributor.root
    kind = _KIND_NUMBERS.get(selection.kind, 0)
    return {
        "kind": kind,
        "gen_date": int(options.generated_at.timestamp()),
        "begin_date": _unix(selection.window.start, time.min),
        "end_date": _unix(selection.window.end, time(23, 59, 59)),
        "group_id": _GROUP_ID,
        "name": subject.name(selection.window.closing.month),
        "report_level": _LEVEL_NUMBERS.get(selection.level, 0),
        "report_type": kind,
    }


def _unix(day: date, moment: time) -> int:
    return int(datetime.combine(day, moment, UTC).timestamp())


def _fields(row: ReportRow, *, show_skus: bool) -> dict[str, Any]:
    """A row as json_v2_0 nests it, in the order of its keys; `tenant` is added by the renderer."""
    item, infra = row.item, row.infra
    fields: dict[str, Any] = {
        "application": {"id": APPLICATION_IDS[item.application], "name": item.application},
        "date": row.date,
        "edition": item.edition,
        "infra": {
            "backend_type": infra.backend_type,
            "id": infra.id,
            "name": infra.name,
            "owner_id": infra.owner_id,
        },
        "is_range": item.is_range,
        "measurement_unit": item.measurement_unit,
        "name": item.name,
        "pricing": row.pricing._asdict(),
        "quota": {"value": row.quota},
    }
    if show_skus and item.sku_state is not SkuState.ABSENT:
        fields["sku"] = {SkuState.TEXT: item.sku, SkuState.EMPTY: ""}.get(item.sku_state)
    absolute = _measure(row.absolute_production, row.absolute_trial)
    delta = _measure(row.delta_production, row.delta_trial)
    usage = {"absolute": absolute, "delta": delta, "effective": delta if item.is_range else absolute}
    return fields | {"tenant": None, "usage": usage}


def _measure(production: int, trial: int) -> dict[str, int]:
    return {"production": production, "total": production + trial, "trial": trial}


class _CsvRenderer:
    """csv_v2_0: 29 columns, and `sku` if SKUs were requested; RFC 4180 quoting, lines end in CRLF."""

    tail = ""

    def __init__(self, columns: tuple[str, ...]) -> None:
        self._columns = columns
        self.head = ",".join(columns) + "\r\n"

    def block(self, tenant: TenantFacts, rows: list[dict[str, Any]]) -> str:
        owner = tenant._asdict()
        text = io.StringIO()
        writer = csv.writer(text)
        for row in rows:
            cells = dict(_flattened("", row | {"tenant": owner}))
            writer.writerow([cells.get(column) for column in self._columns])
        return text.getvalue()


class _JsonRenderer:
    """json_v2_0: `{"params": …, "tenants": […]}`, with each row on a line of its own."""

    tail = "\n]}\n"

    def __init__(self, params: dict[str, object], *, grouped: bool) -> None:
        self.head = f'{{"params":{_ENCODERS[False].encode(params)},"tenants":['
        self._grouped = grouped
        self._separator = "\n"

    def block(self, tenant: TenantFacts, rows: list[dict[str, Any]]) -> str:
        encode = _ENCODERS[tenant.id < "8"].encode
        owner = tenant._asdict()
        separator, self._separator = self._separator, ",\n"
        if not self._grouped:
            return separator + ",\n".join(encode(row | {"tenant": owner}) for row in rows)
        usages = ",\n".join(encode({k: v for k, v in row.items() if k != "tenant"}) for row in rows)
        return f'{separator}{{"tenant":{encode(owner)},"usages":[\n{usages}]}}'


def _flattened(prefix: str, value: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """Each value by its dotted name."""
    for key, inner in value.items():
        if isinstance(inner, dict):
            yield from _flattened(f"{prefix}{key}.", inner)
        else:
            yield prefix + key, inner
