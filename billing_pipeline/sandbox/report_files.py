"""The files of a report: csv_v2_0, and json_v2_0 in both known layouts."""

import csv
import io
import json
from calendar import timegm
from collections.abc import Iterator, Mapping
from datetime import datetime

from billing_pipeline.sandbox.distributor import Distributor
from billing_pipeline.sandbox.metering import UsageRow
from billing_pipeline.sandbox.offering import APPLICATION_IDS
from billing_pipeline.sandbox.report_rows import ReportSelection, TenantFacts, report_rows

MACHINE_FORMATS = ("json_v2_0", "csv_v2_0")
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
# Escaped and literal non-ASCII characters are both valid JSON; each is used for about half of the tenants.
_ENCODERS = {
    escaped: json.JSONEncoder(ensure_ascii=escaped, check_circular=False, separators=(",", ":"))
    for escaped in (True, False)
}


def render_report(
    report_format: str,
    distributor: Distributor,
    selection: ReportSelection,
    generated_at: datetime,
    json_layout: str = "flat",
) -> Iterator[bytes]:
    """A report in a machine-readable format, one tenant in memory at a time.

    Args:
        report_format: one of `MACHINE_FORMATS`.
        generated_at: aware time for `params.gen_date`.
        json_layout: of json_v2_0: `flat`, an element for each usage row, or `grouped`, an element for each
            tenant with its rows in `usages`.

    Yields:
        The parts of the file, in order.

    Raises:
        LookupError: there is no such tenant.
    """
    if report_format == "csv_v2_0":
        return _csv_report(distributor, selection)
    params = _report_params(distributor, selection, generated_at)
    return _json_report(distributor, selection, params, grouped=json_layout == "grouped")


def _csv_report(distributor: Distributor, selection: ReportSelection) -> Iterator[bytes]:
    """csv_v2_0: 29 columns, and `sku` if SKUs were requested; RFC 4180 quoting, lines end in CRLF."""
    columns = (*CSV_COLUMNS, "sku") if selection.show_skus else CSV_COLUMNS
    yield ",".join(columns).encode() + b"\r\n"
    for tenant, rows in report_rows(distributor, selection):
        text = io.StringIO()
        cells = (dict(_flattened("", fields)) for fields in _json_rows(rows, selection, tenant))
        csv.DictWriter(text, columns).writerows(cells)
        yield text.getvalue().encode()


def _json_report(
    distributor: Distributor, selection: ReportSelection, params: dict[str, object], *, grouped: bool
) -> Iterator[bytes]:
    """json_v2_0: `{"params": …, "tenants": […]}`, with each row on a line of its own."""
    yield f'{{"params":{_ENCODERS[False].encode(params)},"tenants":['.encode()
    separator = "\n"
    for tenant, rows in report_rows(distributor, selection):
        encode = _ENCODERS[tenant.id < "8"].encode
        lines = ",\n".join(map(encode, _json_rows(rows, selection, None if grouped else tenant)))
        if grouped:
            lines = f'{{"tenant":{encode(tenant._asdict())},"usages":[\n{lines}]}}'
        yield (separator + lines).encode()
        separator = ",\n"
    yield b"\n]}\n"


def _report_params(
    distributor: Distributor, selection: ReportSelection, generated_at: datetime
) -> dict[str, object]:
    """The `params` of json_v2_0; times are UNIX seconds, the end is the period's last second."""
    window = selection.period
    subject = distributor.find(selection.tenant_id) or distributor.root
    kind = _KIND_NUMBERS.get(selection.kind, 0)
    return {
        "kind": kind,
        "gen_date": int(generated_at.timestamp()),
        "begin_date": timegm(window.start.timetuple()),
        "end_date": timegm(window.end.timetuple()) + 86_399,
        "group_id": _GROUP_ID,
        "name": subject.name(window.closing.month),
        "report_level": _LEVEL_NUMBERS.get(selection.level, 0),
        "report_type": kind,
    }


def _json_rows(
    rows: list[UsageRow], selection: ReportSelection, tenant: TenantFacts | None
) -> Iterator[dict[str, object]]:
    """Rows as json_v2_0 nests them, with their tenant if it is given."""
    for row in rows:
        item, infra = row.item, row.infra
        fields: dict[str, object] = {
            "application": {"id": APPLICATION_IDS[item.application], "name": item.application},
            "date": row.date,
            "edition": item.edition,
            "infra": {key: getattr(infra, key) for key in ("backend_type", "id", "name", "owner_id")},
            "is_range": item.is_range,
            "measurement_unit": item.measurement_unit,
            "name": item.name,
            "pricing": row.pricing._asdict(),
            "quota": {"value": row.quota},
        }
        if selection.show_skus and item.sku_state != "absent":
            fields["sku"] = None if item.sku_state == "null" else item.sku
        if tenant:
            fields["tenant"] = tenant._asdict()
        yield fields | {"usage": row.usage}


def _flattened(prefix: str, value: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Each value by its dotted name."""
    for key, inner in value.items():
        if isinstance(inner, dict):
            yield from _flattened(f"{prefix}{key}.", inner)
        else:
            yield prefix + key, inner
