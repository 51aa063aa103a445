"""Fixed months of the demo's distributor, loaded without HTTP."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from billing_pipeline.loading.replace import replace_period
from billing_pipeline.normalize import CsvReport, JsonReport
from billing_pipeline.periods import SINGLE_ACCOUNT, BillingPeriod
from billing_pipeline.reports import ReportParameters
from billing_pipeline.sandbox import render_report
from billing_pipeline.sandbox.distributor import Distributor
from billing_pipeline.sandbox.local import DEFAULT_SEED
from billing_pipeline.sandbox.report_rows import ReportSelection
from billing_pipeline.sandbox.windows import Window
from billing_pipeline.warehouse import LoadAttempt, Warehouse

PERIODS = tuple(BillingPeriod(2026, month) for month in (7, 8, 9))


@dataclass(frozen=True)
class DemoMonths:
    """The distributor of `make demo`, or another one."""

    seed: int = DEFAULT_SEED
    tenants: int = 40
    kind: str = "usage_summary"
    level: str = "direct_partners"

    @property
    def distributor(self) -> Distributor:
        return Distributor(self.seed, self.tenants)

    def load(self, warehouse: Warehouse, periods: Iterable[BillingPeriod] = PERIODS) -> None:
        """Load periods from both files of their reports, as the pipeline does."""
        with TemporaryDirectory() as folder:
            for period in periods:
                self._load(warehouse, period, Path(folder))

    def _load(self, warehouse: Warehouse, period: BillingPeriod, folder: Path) -> None:
        distributor = self.distributor
        root = distributor.root.id
        paths = {name: folder / f"{period}.{name}" for name in ("json_v2_0", "csv_v2_0")}
        of_kind: dict[str, Any] = {"kind": self.kind, "level": self.level}
        selection = ReportSelection(
            tenant_id=root,
            period=Window.of_month(period.key),
            hide_zero_usage=True,
            show_skus=True,
            **of_kind,
        )
        generated_at = datetime(2026, 10, 2, tzinfo=UTC)
        for report_format, path in paths.items():
            with path.open("wb") as file:
                file.writelines(render_report(report_format, distributor, selection, generated_at))
        attempt = LoadAttempt(
            period=period,
            account=SINGLE_ACCOUNT,
            outcome="failed",
            root_tenant_id=root,
            report_id=str(uuid5(NAMESPACE_URL, f"{self}/{period}")),
            stored_report_id=str(uuid5(NAMESPACE_URL, f"{self}/{period}/json")),
            report_kind=self.kind,
            report_level=self.level,
        )
        expected = ReportParameters(period=period, kind=self.kind, level=self.level, tenant_id=root)
        witness = CsvReport(paths["csv_v2_0"], period.start, period.end)
        with JsonReport(paths["json_v2_0"], expected, folder / "work") as report:
            replace_period(warehouse, report, attempt, witness=witness)
