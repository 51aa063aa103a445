"""The checks of a load as asset checks of `usage`.

Dagster runs asset checks after an asset was written, too late to prevent publication. So the checks run
inside the loading transaction (`billing_pipeline.loading.checks`), and the asset yields their results with
its materialisation, or without one if a check stopped the load.
"""

import warnings
from collections.abc import Iterable, Iterator

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetKey,
    PartitionsDefinition,
    PreviewWarning,
)

from billing_pipeline.loading.checks import CHECKS, description
from billing_pipeline.orchestration.tables import markdown_table, markdown_text
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.warehouse import CheckResult


def load_check_specs(usage: AssetKey, periods: PartitionsDefinition | None = None) -> list[AssetCheckSpec]:
    """Every check that a load runs, as a check of this asset, with a result for each billing period."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PreviewWarning)  # for partitions of checks
        return [
            AssetCheckSpec(
                name,
                asset=usage,
                description=description(name),
                blocking=severity == "stop",
                partitions_def=periods,
            )
            for name, severity in CHECKS.items()
        ]


_SEVERITY = {"stop": AssetCheckSeverity.ERROR, "warn": AssetCheckSeverity.WARN}


def load_check_results(
    period: BillingPeriod, report_id: str | None, results: Iterable[CheckResult]
) -> Iterator[AssetCheckResult]:
    """Each result as Dagster's UI shows it."""
    for result in results:
        rows = [(finding.finding, finding.usage_rows) for finding in result.findings]
        findings = {"findings": markdown_table(("finding", "usage rows"), rows)} if rows else {}
        yield AssetCheckResult(
            check_name=result.check_name,
            passed=result.passed,
            severity=_SEVERITY[result.severity],
            description=markdown_text(result.detail),
            metadata={
                "billing_period": period.key,
                "report_id": report_id,
                "usage_rows_objected_to": result.finding_rows,
                **findings,
            },
        )
