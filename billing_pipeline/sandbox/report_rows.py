"""The rows of a report: whose usage an order asks for, and what stands in each row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from billing_pipeline.sandbox.distributor import Distributor, Tenant
from billing_pipeline.sandbox.metering import Meter, Usage
from billing_pipeline.sandbox.offering import Metering, Offer
from billing_pipeline.sandbox.windows import Window

KINDS = ("usage_summary", "usage_daily", "usage_current", "usage_breakdown")
LEVELS = ("direct_partners", "all_partners", "all_customers", "accounts", "itself")
_DAILY_KINDS = {"usage_daily", "usage_breakdown"}


@dataclass(frozen=True, slots=True)
class ReportSelection:
    """What a report is about; equal selections give equal rows."""

    tenant_id: str
    window: Window
    kind: str = "usage_summary"
    level: str = "direct_partners"
    hide_zero_usage: bool = False


class Pricing(NamedTuple):
    """The `pricing.*` columns; prices are decimal strings."""

    currency: str | None
    mode: str | None
    price: str | None
    total_cost: str | None


class TenantFacts(NamedTuple):
    """The `tenant.*` columns."""

    customer_id: str | None
    id: str
    kind: str
    name: str


class ReportRow(NamedTuple):
    """One usage row of a tenant; totals are production + trial, effective values follow from the item."""

    offer: Offer
    date: str  # YYYY-MM-DD
    absolute_production: int
    absolute_trial: int
    delta_production: int
    delta_trial: int
    quota: int | None
    pricing: Pricing


_NO_PRICING = Pricing(None, None, None, None)
_MODES = {mode: Pricing(None, mode, None, None) for mode in ("production", "trial")}


def report_rows(
    distributor: Distributor, selection: ReportSelection
) -> Iterator[tuple[TenantFacts, list[ReportRow]]]:
    """A report's rows, tenant by tenant, each tenant once; produced one tenant at a time."""
    meter = Meter(distributor)
    window = selection.window
    windows = list(window.days()) if selection.kind in _DAILY_KINDS else [window]
    for tenant in _selected_tenants(distributor, selection):
        life = distributor.life(tenant) if tenant.path else None
        rows: list[ReportRow] = []
        for part in windows:
            day = part.end.isoformat()
            on_trial = life is not None and part.closing.month < life.trial_until
            priced = tenant.kind in {"customer", "unit"}
            mode = _MODES["trial" if on_trial else "production"] if priced else _NO_PRICING
            for usage in meter.usage(tenant, part):
                offer, absolute_production, absolute_trial, delta_production, delta_trial, chance = usage
                if selection.hide_zero_usage and not (
                    absolute_production or absolute_trial or delta_production or delta_trial
                ):
                    continue
                quota, pricing = None, mode
                if chance & 0x700 == 0 and priced:
                    quota, pricing = _agreement(usage, tenant, mode)
                rows.append(
                    ReportRow(
                        offer,
                        day,
                        absolute_production,
                        absolute_trial,
                        delta_production,
                        delta_trial,
                        quota,
                        pricing,
                    )
                )
        if rows:
            name = distributor.name(tenant, window.closing.month)
            yield TenantFacts(tenant.customer_id, tenant.id, tenant.kind, name), rows


def _selected_tenants(distributor: Distributor, selection: ReportSelection) -> Iterator[Tenant]:
    subject = distributor.find(selection.tenant_id)
    if subject is None:
        raise LookupError(f"tenant {selection.tenant_id} is not in the sandbox")
    months = selection.window.months
    if selection.level == "itself":
        return iter([subject])
    if selection.level == "direct_partners":
        return distributor.children(subject, months)
    kinds = {
        "all_partners": {"partner"},
        "all_customers": {"customer"},
        "accounts": {"partner", "folder", "customer", "unit"},
    }[selection.level]
    return (tenant for tenant in distributor.descendants(subject, months) if tenant.kind in kinds)


def _agreement(usage: Usage, tenant: Tenant, mode: Pricing) -> tuple[int | None, Pricing]:
    """The quota, and for a few customers a price, that were agreed on."""
    item = usage.offer.item
    if item.metering is Metering.COUNT:
        quota = 10 + usage.chance % 200
        if tenant.variety % 5 == 3:
            cents = 25 + usage.chance % 1975
            cost = cents * (usage.absolute_production + usage.absolute_trial)
            return quota, Pricing("EUR", mode.mode, _decimal(cents), _decimal(cost))
        return quota, mode
    return (1 + usage.chance % 64 << 34, mode) if item.metering is Metering.BYTES else (None, mode)


def _decimal(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"
