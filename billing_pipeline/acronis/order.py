"""What is ordered with POST /reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from billing_pipeline.acronis.answers import Report
from billing_pipeline.errors import PeriodError
from billing_pipeline.identifiers import api_id
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.settings import AccountSettings

MACHINE_FORMATS = ("json_v2_0", "csv_v2_0")
"""The formats for machines. Both hold the same rows, so each is a check of the other."""


@dataclass(frozen=True, slots=True)
class ReportOrder:
    """A usage report of one tenant for one billing period, generated once and stored for download.

    Args:
        tenant_id: UUID of the tenant that the report is about.
        period: the billing period; a report with SKUs must cover a full month.
        kind: `usage_summary`, `usage_daily`, `usage_current` or `usage_breakdown`.
        level: `direct_partners`, `all_partners`, `all_customers`, `accounts` or `itself`.
        hide_zero_usage: leave out offering items without usage.
        show_skus: ask for SKUs; not every partner gets them.
        formats: what is stored, one file a format.
    """

    tenant_id: str
    period: BillingPeriod
    kind: str
    level: str
    hide_zero_usage: bool = True
    show_skus: bool = True
    formats: tuple[str, ...] = MACHINE_FORMATS

    def __post_init__(self) -> None:
        object.__setattr__(self, "tenant_id", api_id(self.tenant_id))

    @classmethod
    def from_settings(cls, account: AccountSettings, *, tenant_id: str, period: BillingPeriod) -> Self:
        """The order that the settings describe, for `tenant_id` (already discovered) and `period`."""
        return cls(
            tenant_id=tenant_id,
            period=period,
            kind=account.report_kind,
            level=account.report_level,
            hide_zero_usage=account.hide_zero_usage,
            show_skus=account.show_skus,
        )

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> Self:
        """The order that `body()` was made from.

        Raises:
            ValueError: the body is not one of ours.
        """
        try:
            parameters = body["parameters"]
            return cls(
                tenant_id=parameters["tenant_id"],
                period=BillingPeriod.parse(parameters["period"]["start"][:7]),
                kind=parameters["kind"],
                level=parameters["level"],
                hide_zero_usage=parameters["hide_zero_usage"],
                show_skus=parameters["show_skus"],
                formats=tuple(parameters["formats"]),
            )
        except (KeyError, TypeError, PeriodError) as error:
            raise ValueError(f"not the body of a report order: {error!r}") from error

    def body(self) -> dict[str, Any]:
        """The JSON of POST /reports.

        `recipients` is empty because the schema requires the key and the tutorial does not have it;
        unknown keys are refused by the API, so there are no others.
        """
        return {
            "parameters": {
                "kind": self.kind,
                "tenant_id": self.tenant_id,
                "level": self.level,
                "period": {"start": self.period.start.isoformat(), "end": self.period.end.isoformat()},
                "formats": list(self.formats),
                "hide_zero_usage": self.hide_zero_usage,
                "show_skus": self.show_skus,
            },
            "schedule": {"type": "once"},
            "result_action": "save",
            "recipients": [],
        }

    def differences(self, report: Report) -> list[str]:
        """In what the report, as the API describes it, is not the one ordered; one phrase for each.

        What the API leaves out is no difference: the tutorial's answer has no flags, for example.
        """
        told = report.told()
        ordered = self._described()
        found = [
            f"{name} is {told[name]}, ordered was {wanted}"
            for name, wanted in ordered.items()
            if name in told and told[name] != wanted
        ]
        absent = sorted(set(self.formats) - set(report.formats)) if report.formats is not None else []
        return found + [f"format {name} is missing" for name in absent]

    def is_surely(self, report: Report) -> bool:
        """Whether the API describes this very order, nothing essential left out: then it can be adopted."""
        essential = {"tenant_id", "kind", "level", "start", "end"}
        return (
            essential <= report.told().keys() and report.formats is not None and not self.differences(report)
        )

    def _described(self) -> dict[str, str]:
        return {
            "tenant_id": self.tenant_id,
            "kind": self.kind,
            "level": self.level,
            "start": self.period.start.isoformat(),
            "end": self.period.end.isoformat(),
            "hide_zero_usage": str(self.hide_zero_usage).lower(),
            "show_skus": str(self.show_skus).lower(),
            "schedule": "once",
            "result_action": "save",
        }
