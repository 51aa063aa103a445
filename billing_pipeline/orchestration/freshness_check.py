"""Freshness: whether every month that has ended is loaded in time.

Dagster's freshness policies ignore partitions: loading any old month again would count as fresh. This check
queries the warehouse instead.
"""

from datetime import UTC, datetime

import dagster as dg

from billing_pipeline.errors import BillingPipelineError
from billing_pipeline.orchestration.accounts import account_asset_key
from billing_pipeline.orchestration.alerts import send_alert
from billing_pipeline.orchestration.failures import failure_from
from billing_pipeline.orchestration.settings import Settings
from billing_pipeline.periods import AccountPeriod
from billing_pipeline.warehouse.freshness import overdue_periods
from billing_pipeline.warehouse.history import loaded_periods


def freshness_check(account: str) -> dg.AssetChecksDefinition:
    """The check `freshness` of an account's usage."""

    @dg.asset_check(
        asset=account_asset_key(account, "usage"),
        description="Closed months since the first one loaded are loaded by day 3 of the next, 07:00 UTC.",
    )
    def freshness(settings: dg.ResourceParam[Settings]) -> dg.AssetCheckResult:
        """Closed months that should have been loaded by now and were not."""
        try:
            loads = loaded_periods(settings.warehouse)
        except BillingPipelineError as error:
            raise failure_from(error) from None
        loaded = {
            subject.period for subject, load in loads.items() if subject.account == account and load.loaded_at
        }
        overdue = overdue_periods(loaded, now=datetime.now(UTC))
        messages = [
            f"period {AccountPeriod(period, account)} is overdue: it is not loaded" for period in overdue
        ]
        send_alert(settings.pipeline.alert_webhook, messages)
        return dg.AssetCheckResult(
            passed=not overdue,
            severity=dg.AssetCheckSeverity.WARN,
            description=f"overdue: {', '.join(map(str, overdue))}; load with: billing-pipeline run"
            if overdue
            else "every closed month is loaded",
            metadata={"overdue": ", ".join(map(str, overdue)) or "none", "loaded_periods": len(loaded)},
        )

    return freshness
