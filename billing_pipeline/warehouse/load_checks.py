"""What a load is checked for inside its transaction, and which checks stop it.

A check that stops guards an invoice: what it objects to would be billed wrongly, twice or not at all. A
check that warns points a person at what may well be right. Each check is a `.sql` file of
`checks/` that lists its findings; only those marked `objection` make it fail. Two checks need
more than the table: `control_totals` and `cross_check`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import duckdb

from billing_pipeline.errors import ReportRefusedError
from billing_pipeline.periods import AccountPeriod, BillingPeriod
from billing_pipeline.sql_files import opening_comment, read_sql
from billing_pipeline.warehouse.recorded_times import next_time

Severity = Literal["stop", "warn"]

CROSS_CHECK = "cross_check"
CONTROL_TOTALS = "control_totals"
_EMPTIED = "emptied"

CHECKS: Mapping[str, Severity] = {
    CONTROL_TOTALS: "stop",
    CROSS_CHECK: "stop",
    _EMPTIED: "stop",
    "period_and_tenant": "stop",
    "accounts": "stop",
    "duplicates": "stop",
    "totals": "stop",
    "compute_points": "stop",
    "effective_totals": "warn",
    "compute_point_names": "warn",
    "level": "warn",
    "completeness": "warn",
    "sku_coverage": "warn",
    "storage_ownership": "warn",
    "tenant_history": "warn",
    "unknown_offering_items": "warn",
    "unknown_units": "warn",
    "unknown_tenant_kinds": "warn",
    "unknown_fields": "warn",
}
"""Every check and what it does when it fails.

`BILLING_CROSS_CHECK` may weaken `cross_check`, and `run --force` makes `emptied` a warning.
"""

_DESCRIPTIONS = {
    CONTROL_TOTALS: "Row count and exact sums are those of the raw report, which were added up another way.",
    CROSS_CHECK: "json_v2_0 and csv_v2_0, two files of one report, hold the same rows, measures and SKUs.",
}
_FINDINGS_KEPT = 50
_FINDINGS_TOLD = 3


def description(check_name: str) -> str:
    """What a check makes sure of, in one sentence."""
    return _DESCRIPTIONS.get(check_name) or opening_comment(read_sql(f"warehouse/checks/{check_name}.sql"))


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check found.

    Args:
        finding: in words.
        usage_rows: how many usage rows it concerns.
        objection: whether it makes the check fail; otherwise it is merely listed.
    """

    finding: str
    usage_rows: int
    objection: bool = True


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one check made of one load; a row of `load_checks`."""

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
    def of(
        cls,
        check_name: str,
        findings: Sequence[Finding],
        *,
        severity: Severity | None = None,
        passing: str = "nothing found",
    ) -> CheckResult:
        """Judge findings: the check passes if none of them is an objection."""
        objections = [finding for finding in findings if finding.objection]
        told = [finding.finding for finding in (objections or findings)]
        more = f"; and {len(told) - _FINDINGS_TOLD} more" if len(told) > _FINDINGS_TOLD else ""
        return cls(
            check_name,
            severity or CHECKS[check_name],
            passed=not objections,
            finding_rows=sum(finding.usage_rows for finding in objections),
            detail="; ".join(told[:_FINDINGS_TOLD]) + more if told else passing,
            findings=tuple(findings[:_FINDINGS_KEPT]),
        )


class LoadStoppedError(ReportRefusedError):
    """A check that stops did not pass; nothing of the report was published.

    Args:
        checks: what every check made of the load.
    """

    def __init__(self, checks: Sequence[CheckResult], *, period: str, report_id: str | None) -> None:
        self.checks = tuple(checks)
        told = "; ".join(f"{check.check_name}: {check.detail}" for check in checks if check.stops)
        super().__init__(
            f"the report did not pass its checks: {told}",
            todo="Nothing was loaded, and the raw report is kept. Run the period again for another report; "
            "if that fails alike, take the findings up with Acronis (billing-pipeline status shows them).",
            period=period,
            report_id=report_id,
        )


def run_checks(
    connection: duckdb.DuckDBPyConnection,
    period: BillingPeriod,
    account: str,
    *,
    root_tenant_id: str | None,
    report_level: str | None,
    forced: bool = False,
) -> list[CheckResult]:
    """Run every check that needs nothing but the tables, over the account's rows of the period.

    Args:
        connection: inside the loading transaction.
        root_tenant_id, report_level: as ordered.
        forced: whether an empty report may replace what was loaded before.
    """
    ordered = {
        "billing_period": period.start,
        "account": account,
        "root_tenant_id": root_tenant_id,
        "report_level": report_level or "direct_partners",
    }
    results = []
    for check_name in CHECKS:
        if check_name in _DESCRIPTIONS:
            continue
        statement = read_sql(f"warehouse/checks/{check_name}.sql")
        needed = {name: value for name, value in ordered.items() if f"${name}" in statement}
        rows = connection.execute(statement, needed).fetchall()
        severity: Severity | None = "warn" if forced and check_name == _EMPTIED else None
        results.append(CheckResult.of(check_name, [Finding(*row) for row in rows], severity=severity))
    return results


def record_checks(
    connection: duckdb.DuckDBPyConnection,
    period: BillingPeriod,
    account: str,
    report_id: str | None,
    results: Iterable[CheckResult],
    *,
    published: bool,
) -> None:
    """Write results to `load_checks`, inside `Warehouse.change`."""
    checked_at = next_time(connection, "load_checks", period)
    rows = [
        {
            "billing_period": period.start,
            "account": account,
            "report_id": report_id,
            "check_name": result.check_name,
            "passed": result.passed,
            "severity": result.severity,
            "finding_rows": result.finding_rows,
            "detail": result.detail,
            "findings": json.dumps([asdict(finding) for finding in result.findings], ensure_ascii=False),
            "published": published,
            "checked_at": checked_at,
        }
        for result in results
    ]
    if rows:
        connection.execute(
            "INSERT INTO load_checks BY NAME SELECT unnest($rows, recursive := true)", {"rows": rows}
        )


def latest_checks(connection: duckdb.DuckDBPyConnection) -> dict[AccountPeriod, list[CheckResult]]:
    """The results of the last checked load of each period and account, those that object first."""
    rows: list[tuple[Any, ...]] = connection.execute(read_sql("warehouse/latest_checks.sql")).fetchall()
    found: dict[AccountPeriod, list[CheckResult]] = {}
    for billing_period, account, *columns, findings in rows:
        name, severity, passed, finding_rows, detail = columns
        result = CheckResult(
            name,
            severity,
            passed,
            finding_rows,
            detail,
            tuple(Finding(**finding) for finding in json.loads(findings)),
        )
        found.setdefault(AccountPeriod(BillingPeriod.containing(billing_period), account), []).append(result)
    return found
