"""This project: strict checks, control totals, one transaction, publication by rename."""

from __future__ import annotations

import sys
from pathlib import Path

from billing_pipeline.loading.replace import replace_period
from billing_pipeline.normalize import JsonReport
from billing_pipeline.periods import SINGLE_ACCOUNT, BillingPeriod
from billing_pipeline.reports import ReportParameters
from billing_pipeline.warehouse import LoadAttempt, WarehouseFile

_ID = "11111111-1111-4111-8111-111111111111"


def main(report: Path, folder: Path, period: BillingPeriod) -> str:
    """Load a report into the warehouse in this folder.

    Returns:
        Rows and sum, as every way prints them.
    """
    expected = ReportParameters(_ID, period, "usage_summary", "direct_partners")
    attempt = LoadAttempt(
        period=period,
        account=SINGLE_ACCOUNT,
        outcome="failed",
        root_tenant_id=_ID,
        report_kind=expected.kind,
        report_level=expected.level,
        report_id=_ID,
        stored_report_id=_ID,
        requested_report_ids=(_ID,),
    )
    with JsonReport(report, expected, folder / "work") as rows:
        loaded = replace_period(WarehouseFile(folder), rows, attempt, cross_check_mode="off")
    totals = loaded.control_totals
    assert totals is not None
    return f"{totals.rows} {sum(sums['absolute_total'] for sums in totals.sums.values())}"


if __name__ == "__main__":
    print(main(Path(sys.argv[1]), Path(sys.argv[2]), BillingPeriod.parse(sys.argv[3])))
