"""The rows of a report: whose usage is reported, and the columns of each row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from billing_pipeline.sandbox.distributor import Distributor, Tenant
from billing_pipeline.sandbox.metering import Usage, tenant_usage
from billing_pipeline.sandbox.offering import Infra, Metering, OfferingItem
from billing_pipeline.sandbox.windows import Window

Kind = Literal["usage_summary", "usage_daily", "usage_current", "usage_breakdown"]
Level = Literal["direct_partners", "all_partners", "all_customers", "accounts", "itself"]
KINDS, LEVELS = get_args(Kind), get_args(Level)
_DAILY_KINDS = {"usage_daily", "usage_breakdown"}


@dataclass(frozen=True, slots=True)
class ReportSelection:
    """The parameters that decide which rows a report has; equal selections give equal rows."""

    tenant_id: str
    window: Window
    kind: str = "usage_summary"
    level: str = "direct_partners"
    hide_zero_usage: bool = False


class Pricing(NamedTuple):
    """The `pricing.*` columns; prices are decimal strings."""

    currency: str | None = None
    mode: str | None = None
    price: str | None = None
    total_cost: str | None = None


class TenantFacts(NamedTuple):
    """The `tenant.*` columns."""

    customer_id: str | None
    id: str
    kind: str
    name: str


class ReportRow(NamedTuple):
    """One usage row of a tenant. Totals are production + trial; effective values follow from the item."""

    item: OfferingItem
    infra: Infra
    date: str  # YYYY-MM-DD
    absolute_production: int
    absolute_trial: int
    delta_production: int
    delta_trial: int
    quota: int | None
    pricing: Pricing


def report_rows(
    distributor: Distributor, selection: ReportSelection
) -> Iterator[tuple[TenantFacts, list[ReportRow]]]:
    """The rows of a report, tenant by tenant, each tenant once; generated one tenant at a time.

    Raises:
        LookupError: there is no such tenant.
    """
    window = selection.window
    windows = list(window.days()) if selection.kind in _DAILY_KINDS else [window]
    for tenant in _selected_tenants(distributor, selection):
        rows = [
            _row(tenant, usage, part)
            for part in windows
            for usage in tenant_usage(distributor.seed, tenant, part)
            if not selection.hide_zero_usage or any(usage[2:6])
        ]
        if rows:
            name = tenant.name(window.closing.month)
            yield TenantFacts(tenant.customer_id, tenant.id, tenant.kind, name), rows


def _selected_tenants(distributor: Distributor, selection: ReportSelection) -> Iterator[Tenant]:
    subject = distributor.find(selection.tenant_id)
    if subject is None:
        raise LookupError(f"tenant {selection.tenant_id} is not in the sandbox")
    months = selection.window.months
    if selection.level == "itself":
        return iter([subject])
    if selection.level == "direct_partners":
        return subject.existing_children(months)
    kinds = {
        "all_partners": {"partner"},
        "all_customers": {"customer"},
        "accounts": {"partner", "folder", "customer", "unit"},
    }[selection.level]
    return (tenant for tenant in subject.descendants(months) if tenant.kind in kinds)


def _row(tenant: Tenant, usage: Usage, window: Window) -> ReportRow:
    quota, pricing = None, Pricing()
    if tenant.kind in {"customer", "unit"}:
        on_trial = window.closing.month < tenant.trial_until
        pricing = Pricing(mode="trial" if on_trial else "production")
        if usage.draw & 0x700 == 0:
            quota, pricing = _agreement(usage, tenant, pricing)
    return ReportRow(usage.item, usage.infra, window.end.isoformat(), *usage[2:6], quota, pricing)


def _agreement(usage: Usage, tenant: Tenant, pricing: Pricing) -> tuple[int | None, Pricing]:
    """The agreed quota, and for a few customers an agreed price."""
    if usage.item.metering is Metering.BYTES:
        return 1 + usage.draw % 64 << 34, pricing
    if usage.item.metering is not Metering.COUNT:
        return None, pricing
    if tenant.draw % 5 == 3:
        cents = 25 + usage.draw % 1975
        cost = cents * (usage.absolute_production + usage.absolute_trial)
        pricing = Pricing("EUR", pricing.mode, _decimal(cents), _decimal(cost))
    return 10 + usage.draw % 200, pricing


def _decimal(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"
