"""The checks of a load as asset checks of `usage`.

Dagster runs asset checks after an asset was written, too late to prevent publication. So the checks run
inside the loading transaction (`billing_pipeline.loading.checks`), and the asset yields their results with
its materialisation, or without one if a check stopped the load.
"""

import warnings
from collections.abc import Container, Iterable, Iterator, Mapping

import dagster as dg

from billing_pipeline.loading.checks import CHECKS, description
from billing_pipeline.orchestration.tables import markdown_table, markdown_text
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.warehouse import CheckResult


def load_check_specs(
    usage: dg.AssetKey, periods: dg.PartitionsDefinition | None = None
) -> list[dg.AssetCheckSpec]:
    """Every check that a load runs, as a check of this asset."""
    blocking = {name for name, severity in CHECKS.items() if severity == "stop"}
    return period_check_specs(usage, {name: description(name) for name in CHECKS}, periods, blocking)


def period_check_specs(
    asset: dg.AssetKey,
    descriptions: Mapping[str, str],
    periods: dg.PartitionsDefinition | None,
    blocking: Container[str] = (),
) -> list[dg.AssetCheckSpec]:
    """Checks by name, with a result for each billing period."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)  # for partitions of checks
        return [
            dg.AssetCheckSpec(
                name, asset=asset, description=text, blocking=name in blocking, partitions_def=periods
            )
            for name, text in descriptions.items()
        ]


_SEVERITY = {"stop": dg.AssetCheckSeverity.ERROR, "warn": dg.AssetCheckSeverity.WARN}


def load_check_results(
    period: BillingPeriod, report_id: str | None, results: Iterable[CheckResult]
) -> Iterator[dg.AssetCheckResult]:
    """Each result as Dagster's UI shows it."""
    for result in results:
        yield asset_check_result(result, "usage rows", billing_period=period.key, report_id=report_id)


def asset_check_result(result: CheckResult, counted: str, **metadata: str | None) -> dg.AssetCheckResult:
    """A result as Dagster's UI shows it.

    Args:
        counted: what the findings count, such as `usage rows`.
        metadata: further metadata.
    """
    rows = [(finding.finding, finding.usage_rows) for finding in result.findings]
    return dg.AssetCheckResult(
        check_name=result.check_name,
        passed=result.passed,
        severity=_SEVERITY[result.severity],
        description=markdown_text(result.detail),
        metadata={
            **metadata,
            f"{counted.replace(' ', '_')}_objected_to": result.finding_rows,
            **({"findings": markdown_table(("finding", counted), rows)} if rows else {}),
        },
    )
