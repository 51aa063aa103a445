"""The checks of a month's charges: what a person should look at before the month is closed.

Each check is a `.sql` file of `checks/` that lists its findings. Without prices there is nothing to check.
"""

import duckdb

from billing_pipeline.charges.price_state import has_prices
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.sql_files import opening_comment, read_sql
from billing_pipeline.warehouse.check_results import CheckResult, Finding, Severity

CHECKS: dict[str, Severity] = {
    "unpriced_usage": "warn",
    "one_currency": "stop",
    "below_cost": "warn",
    "charge_history": "warn",
    "unused_prices": "warn",
    "reported_cost": "warn",
}
"""Every check, and how grave its findings are: `stop` means that the month cannot be closed."""
NO_PRICES = "no prices are loaded"


def description(check_name: str) -> str:
    """The rule of a check, in one sentence."""
    return opening_comment(_statement(check_name))


def run_checks(connection: duckdb.DuckDBPyConnection, period: BillingPeriod) -> list[CheckResult]:
    """Run every check on a month's charges. Without prices all pass."""
    priced = has_prices(connection)
    return [
        CheckResult.from_findings(
            check_name,
            _findings(connection, check_name, period) if priced else [],
            severity=severity,
            passing="nothing found" if priced else NO_PRICES,
        )
        for check_name, severity in CHECKS.items()
    ]


def _findings(connection: duckdb.DuckDBPyConnection, check_name: str, period: BillingPeriod) -> list[Finding]:
    rows = connection.execute(_statement(check_name), {"month": period.start}).fetchall()
    return [Finding(*row) for row in rows]


def _statement(check_name: str) -> str:
    return read_sql(f"charges/checks/{check_name}.sql")
