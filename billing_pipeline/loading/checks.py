"""The checks of a load, inside its transaction.

A check that stops protects the invoice: its findings would be billed wrongly, twice or not at all. A check
that warns asks a person to review its findings. Each check is a `.sql` file of `checks/` that lists its
findings; those marked `is_failure` make it fail. The checks of `_DESCRIPTIONS` need more than the table.
"""

from collections.abc import Sequence

import duckdb

from billing_pipeline.errors import ReportRefusedError
from billing_pipeline.sql_files import opening_comment, read_sql
from billing_pipeline.warehouse.check_results import CheckResult, Finding, Severity
from billing_pipeline.warehouse.history import LoadAttempt

CROSS_CHECK = "cross_check"
CONTROL_TOTALS = "control_totals"
JSON_LAYOUT = "json_layout"
_UNEXPECTEDLY_EMPTY = "unexpectedly_empty"

CHECKS: dict[str, Severity] = {
    CONTROL_TOTALS: "stop",
    CROSS_CHECK: "stop",
    JSON_LAYOUT: "warn",
    _UNEXPECTEDLY_EMPTY: "stop",
    "period_and_tenant": "stop",
    "billing_rules": "stop",
    "own_total": "stop",
    "accounts": "stop",
    "duplicates": "stop",
    "totals": "stop",
    "compute_points": "stop",
    "compute_point_names": "stop",
    "item_units": "stop",
    "quantity_limit": "stop",
    "effective_totals": "warn",
    "delta_items": "warn",
    "zero_deltas": "warn",
    "negative_quantities": "warn",
    "questionable_values": "warn",
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
"""Every check, and the effect of its failure.

`BILLING_CROSS_CHECK` may weaken `cross_check`, and `run --force` makes `unexpectedly_empty` a warning.
"""

_DESCRIPTIONS = {
    CONTROL_TOTALS: "Row count and exact sums equal the control totals that another parser added up.",
    CROSS_CHECK: "json_v2_0 and csv_v2_0 of one report contain the same rows, measures and SKUs.",
    JSON_LAYOUT: "The layout of json_v2_0 is known; otherwise the rows are those of csv_v2_0.",
}


def description(check_name: str) -> str:
    """The rule of a check, in one sentence."""
    return _DESCRIPTIONS.get(check_name) or opening_comment(read_sql(f"loading/checks/{check_name}.sql"))


class LoadStoppedError(ReportRefusedError):
    """A check that stops has failed; nothing of the report was published.

    Args:
        checks: the results of all checks.
    """

    def __init__(self, checks: Sequence[CheckResult]) -> None:
        self.checks = tuple(checks)
        failures = "; ".join(f"{check.check_name}: {check.detail}" for check in checks if check.stops)
        super().__init__(
            f"the report did not pass its checks: {failures}",
            todo="Nothing was loaded, and the raw report is kept. Run the period again for another report; "
            "if that fails too, take the findings up with Acronis (billing-pipeline status shows them).",
        )


def run_checks(connection: duckdb.DuckDBPyConnection, attempt: LoadAttempt) -> list[CheckResult]:
    """Run every check that needs only the tables, on the rows of this load.

    Args:
        connection: inside the loading transaction.
        attempt: if it is forced, an empty report may replace what was loaded before.
    """
    available = attempt.scope | {
        "report_level": attempt.report_level or "direct_partners",
        "delta_items": attempt.delta_items or "accumulating",
        "report_kind": attempt.report_kind or "usage_summary",
    }
    results = []
    severities = CHECKS | {_UNEXPECTEDLY_EMPTY: "warn"} if attempt.forced else CHECKS
    for check_name, severity in severities.items():
        if check_name in _DESCRIPTIONS:
            continue
        statement = read_sql(f"loading/checks/{check_name}.sql")
        needed = {name: value for name, value in available.items() if f"${name}" in statement}
        findings = [Finding(*row) for row in connection.execute(statement, needed).fetchall()]
        results.append(CheckResult.from_findings(check_name, findings, severity=severity))
    return results
