"""The rows of a report: the reported tenants, and the columns of each row."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from billing_pipeline.sandbox.distributor import Distributor, Tenant
from billing_pipeline.sandbox.metering import Pricing, UsageRow, tenant_usage
from billing_pipeline.sandbox.windows import Window

Kind = Literal["usage_summary", "usage_daily", "usage_current", "usage_breakdown"]
Level = Literal["direct_partners", "all_partners", "all_customers", "accounts", "itself"]
_KINDS_OF_LEVELS = {
    "all_partners": {"partner"},
    "all_customers": {"partner", "customer"},
    "accounts": {"partner", "folder", "customer", "unit"},
}
_DAILY_KINDS = {"usage_daily", "usage_breakdown"}


class ReportSelection(BaseModel):
    """The parameters that determine a report's rows; `show_skus`: whether they have a `sku`."""

    model_config = ConfigDict(strict=True)

    tenant_id: str
    period: Window
    kind: Kind = "usage_summary"
    level: Level = "direct_partners"
    hide_zero_usage: bool = False
    show_skus: bool = False


class TenantFacts(NamedTuple):
    """The `tenant.*` columns."""

    customer_id: str | None
    id: str
    kind: str
    name: str


def report_rows(
    distributor: Distributor, selection: ReportSelection
) -> Iterator[tuple[TenantFacts, list[UsageRow]]]:
    """The rows of a report, tenant by tenant, each tenant once; generated one tenant at a time.

    The report's own tenant comes first; its rows are the sums of all below it. Daily values of `usage_daily`
    have no changes; `usage_breakdown` has them.

    Raises:
        LookupError: there is no such tenant.
    """
    window = selection.period
    windows = list(window.days()) if selection.kind in _DAILY_KINDS else [window]
    for tenant in _selected_tenants(distributor, selection):
        rows = [
            _agreed(tenant, row, part.closing.month)
            for part in windows
            for row in _reported(distributor.seed, tenant, part, selection.kind)
            if not selection.hide_zero_usage or any(row[3:7])  # the four quantities
        ]
        if rows:
            name = tenant.name(window.closing.month)
            yield TenantFacts(tenant.customer_id, tenant.id, tenant.kind, name), rows


def _selected_tenants(distributor: Distributor, selection: ReportSelection) -> Iterator[Tenant]:
    subject = distributor.find(selection.tenant_id)
    if subject is None:
        raise LookupError(f"tenant {selection.tenant_id} is not in the sandbox")
    months = selection.period.months
    yield subject
    if selection.level == "direct_partners":
        yield from subject.existing_children(months)
    elif selection.level != "itself":
        kinds = _KINDS_OF_LEVELS[selection.level]
        yield from (tenant for tenant in subject.descendants(months) if tenant.kind in kinds)


def _reported(seed: int, tenant: Tenant, window: Window, kind: Kind) -> Iterator[UsageRow]:
    for row in tenant_usage(seed, tenant, window):
        yield row._replace(delta_production=0, delta_trial=0) if kind == "usage_daily" else row


def _agreed(tenant: Tenant, row: UsageRow, month: int) -> UsageRow:
    """The row with its contract terms: a pricing mode, for some customers a quota, for a few a price."""
    if tenant.kind not in {"customer", "unit"}:
        return row
    pricing = Pricing(mode="trial" if month < tenant.trial_until else "production")
    metering = row.item.metering
    if row.draw & 0x700 or metering not in {"bytes", "count"}:
        return row._replace(pricing=pricing)
    if metering == "bytes":
        return row._replace(quota=1 + row.draw % 64 << 34, pricing=pricing)
    if tenant.draw % 5 == 3:
        cents = 25 + row.draw % 1975
        cost = cents * (row.absolute_production + row.absolute_trial)
        pricing = Pricing("EUR", pricing.mode, _decimal(cents), _decimal(cost))
    return row._replace(quota=10 + row.draw % 200, pricing=pricing)


def _decimal(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"
