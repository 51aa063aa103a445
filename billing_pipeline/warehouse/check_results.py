"""`load_checks`: the checks of each load, and their findings."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import duckdb

from billing_pipeline.periods import AccountPeriod, BillingPeriod
from billing_pipeline.sql_files import read_sql, rows_as_dicts

Severity = Literal["stop", "warn"]

_MAX_STORED = 50
_MAX_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding of a check.

    Args:
        finding: one phrase.
        usage_rows: how many usage rows it concerns.
        is_failure: whether it makes the check fail; otherwise it is only listed.
    """

    finding: str
    usage_rows: int
    is_failure: bool = True


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check of one load; a row of `load_checks`."""

    check_name: str
    severity: Severity
    passed: bool
    finding_rows: int
    detail: str
    findings: tuple[Finding, ...] = ()

    @property
    def stops(self) -> bool:
        """Whether the load must not be published."""
        return not self.passed and self.severity == "stop"

    @classmethod
    def from_findings(
        cls,
        check_name: str,
        findings: Sequence[Finding],
        *,
        severity: Severity,
        passing: str = "nothing found",
    ) -> "CheckResult":
        """Judge findings: the check passes if none of them is a failure."""
        failures = [finding for finding in findings if finding.is_failure]
        messages = [finding.finding for finding in (failures or findings)]
        more = f"; and {len(messages) - _MAX_SHOWN} more" if len(messages) > _MAX_SHOWN else ""
        return cls(
            check_name,
            severity,
            passed=not failures,
            finding_rows=sum(finding.usage_rows for finding in failures),
            detail="; ".join(messages[:_MAX_SHOWN]) + more if messages else passing,
            findings=tuple(findings[:_MAX_STORED]),
        )


def latest_checks(
    connection: duckdb.DuckDBPyConnection, period: BillingPeriod | None = None
) -> dict[AccountPeriod, list[CheckResult]]:
    """The check results of the last load of a period, or of each one, by account, failures first."""
    found: dict[AccountPeriod, list[CheckResult]] = {}
    month = {"month": period and period.start}
    for row in rows_as_dicts(connection.execute(read_sql("warehouse/queries/latest_checks.sql"), month)):
        checked = AccountPeriod(BillingPeriod.containing(row.pop("billing_period")), row.pop("account"))
        findings = tuple(Finding(**finding) for finding in json.loads(row.pop("findings")))
        found.setdefault(checked, []).append(CheckResult(**row, findings=findings))
    return found
