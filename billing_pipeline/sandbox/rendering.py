"""A report's rows as text: csv_v2_0, and json_v2_0 in the layouts that are in use.

A million rows have to come out in seconds, so what does not change from row to row is rendered once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Protocol

from billing_pipeline.sandbox.offering import APPLICATION_IDS, Offer, SkuState
from billing_pipeline.sandbox.report_rows import Pricing, ReportRow, TenantFacts

JSON_LAYOUTS = ("flat", "grouped", "grouped_items", "dotted")
_MEASURES = tuple(
    f"usage.{measure}.{part}"
    for measure in ("absolute", "delta", "effective")
    for part in ("production", "total", "trial")
)
CSV_COLUMNS = (
    "application.id", "application.name", "date",
    "infra.backend_type", "infra.id", "infra.name", "infra.owner_id",
    "is_range", "measurement_unit", "name",
    "pricing.currency", "pricing.mode", "pricing.price", "pricing.total_cost",
    "quota.value",
    "tenant.customer_id", "tenant.id", "tenant.kind", "tenant.name",
    *_MEASURES,
    "edition",
)  # fmt: skip
_CACHED = 50_000  # fragments kept at most: partners' own storages may be many


class Renderer(Protocol):
    """Turns blocks of rows into the text of a report."""

    def head(self) -> str:
        """What stands before the first row."""

    def block(self, tenant: TenantFacts, rows: list[ReportRow]) -> str:
        """The rows of one tenant."""

    def tail(self) -> str:
        """What stands after the last row."""


class _Fragments:
    """Rendered parts of rows, kept while there is room."""

    def __init__(self) -> None:
        self._kept: dict[object, tuple[str, str]] = {}

    def get(self, key: object) -> tuple[str, str] | None:
        return self._kept.get(key)

    def keep(self, key: object, parts: tuple[str, str]) -> tuple[str, str]:
        if len(self._kept) > _CACHED:
            self._kept.clear()
        self._kept[key] = parts
        return parts


class CsvRenderer:
    """csv_v2_0: 29 columns, and `sku` when SKUs were ordered; RFC 4180 quoting, lines end in CRLF."""

    def __init__(self, *, show_skus: bool) -> None:
        self._show_skus = show_skus
        self._fragments = _Fragments()

    def head(self) -> str:
        return ",".join((*CSV_COLUMNS, "sku") if self._show_skus else CSV_COLUMNS) + "\r\n"

    def tail(self) -> str:
        return ""

    def block(self, tenant: TenantFacts, rows: list[ReportRow]) -> str:
        owner = ",".join(_cell(value) for value in tenant)
        lines = []
        for offer, date, ap, at, dp, dt, quota, pricing in rows:
            head, end = self._fragments.get((offer.key, date)) or self._render(offer, date)
            ep, et = (dp, dt) if offer.item.is_range else (ap, at)
            prices = (
                ",".join(_cell(value) for value in pricing) if pricing.price else f",{pricing.mode or ''},,"
            )
            lines.append(
                f"{head}{prices},{'' if quota is None else quota},{owner},"
                f"{ap},{ap + at},{at},{dp},{dp + dt},{dt},{ep},{ep + et},{et},{end}"
            )
        return "".join(lines)

    def _render(self, offer: Offer, date: str) -> tuple[str, str]:
        item, infra = offer.item, offer.infra
        cells = (
            APPLICATION_IDS[item.application], item.application, date,
            infra.backend_type, infra.id, infra.name, infra.owner_id,
            str(item.is_range), item.measurement_unit, item.name,
        )  # fmt: skip
        head = ",".join(_cell(cell) for cell in cells) + ","
        end = _cell(item.edition) + (f",{_cell(item.sku)}" if self._show_skus else "") + "\r\n"
        return self._fragments.keep((offer.key, date), (head, end))


class JsonRenderer:
    """json_v2_0: `{"params": …, "tenants": […]}`.

    Args:
        params: the report's `params`.
        show_skus: whether SKUs were ordered.
        layout: `flat`, an element for each usage row, nested by the dots of the CSV columns; `grouped`, an
            element for each tenant with its rows in `usages` (`grouped_items`: in `items`); `dotted`, flat
            with dotted keys.
    """

    def __init__(self, params: dict[str, object], *, show_skus: bool, layout: str = "flat") -> None:
        if layout not in JSON_LAYOUTS:
            raise ValueError(f"layout must be one of {', '.join(JSON_LAYOUTS)}")
        self._params = params
        self._show_skus = show_skus
        self._layout = layout
        self._fragments = _Fragments()
        self._started = False

    def head(self) -> str:
        return f'{{"params":{_json(self._params)},"tenants":['

    def tail(self) -> str:
        return "\n]}\n"

    def block(self, tenant: TenantFacts, rows: list[ReportRow]) -> str:
        before = ",\n" if self._started else "\n"
        self._started = True
        # Both ways of writing beyond ASCII are valid JSON; half of the tenants have each.
        owner = json.dumps(tenant._asdict(), ensure_ascii=tenant.id < "8", separators=(",", ":"))
        if self._layout == "dotted":
            return before + ",\n".join(self._dotted(tenant, rows))
        if self._layout == "flat":
            return before + ",\n".join(self._nested(f',"tenant":{owner}', rows))
        name = "usages" if self._layout == "grouped" else "items"
        rest = ",\n".join(self._nested("", rows))
        return f'{before}{{"tenant":{owner},"{name}":[\n{rest}]}}'

    def _nested(self, owner: str, rows: list[ReportRow]) -> Iterator[str]:
        for offer, date, ap, at, dp, dt, quota, pricing in rows:
            head, sku = self._fragments.get((offer.key, date)) or self._render(offer, date)
            ep, et = (dp, dt) if offer.item.is_range else (ap, at)
            limit = "null" if quota is None else quota
            yield (
                f'{head}{_pricing(pricing)},"quota":{{"value":{limit}}}{sku}{owner},'
                f'"usage":{{"absolute":{{"production":{ap},"total":{ap + at},"trial":{at}}},'
                f'"delta":{{"production":{dp},"total":{dp + dt},"trial":{dt}}},'
                f'"effective":{{"production":{ep},"total":{ep + et},"trial":{et}}}}}}}'
            )

    def _render(self, offer: Offer, date: str) -> tuple[str, str]:
        item, infra = offer.item, offer.infra
        row = {
            "application": {"id": APPLICATION_IDS[item.application], "name": item.application},
            "date": date,
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
        }
        sku = ""
        if self._show_skus and item.sku_state is not SkuState.ABSENT:
            value = {SkuState.TEXT: item.sku, SkuState.NULL: None, SkuState.EMPTY: ""}[item.sku_state]
            sku = f',"sku":{_json(value)}'
        return self._fragments.keep((offer.key, date), (_json(row)[:-1] + ',"pricing":', sku))

    def _dotted(self, tenant: TenantFacts, rows: list[ReportRow]) -> Iterator[str]:
        nested = self._nested(f',"tenant":{_json(tenant._asdict())}', rows)
        return (_json(dict(_flatten("", json.loads(row)))) for row in nested)


def _flatten(prefix: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flatten(f"{prefix}.{key}" if prefix else key, inner)
    else:
        yield prefix, value


_PLAIN_PRICING = {
    mode: f'{{"currency":null,"mode":{json.dumps(mode)},"price":null,"total_cost":null}}'
    for mode in (None, "production", "trial")
}


def _pricing(pricing: Pricing) -> str:
    return _json(pricing._asdict()) if pricing.price else _PLAIN_PRICING[pricing.mode]


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _cell(value: str | None) -> str:
    if value is None:
        return ""
    if any(character in value for character in '",\r\n'):
        return '"' + value.replace('"', '""') + '"'
    return value
