"""The steps of a run against a sandbox with faults."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from billing_pipeline.acronis import AcronisClient, RetryPolicy
from billing_pipeline.acronis.retries import ATTEMPTS
from billing_pipeline.landing import RawReport
from billing_pipeline.ordering import Progress, await_stored_reports, download_report, request_report
from billing_pipeline.ordering.state import PeriodRequests, load_requests
from billing_pipeline.ordering.wait import MAX_UNANSWERED_POLLS
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.reports import ReportParameters
from billing_pipeline_tests.faults.sandbox import FaultySandbox

PERIOD = BillingPeriod(2026, 9)
QUICK = RetryPolicy(first_wait=0.01, longest_wait=0.02, retry_after_cap=0.05)
MAX_BYTES = 8 << 20
# Retry budget: the most requests that a run of one period sends to an API that does not answer.
UNANSWERED_REQUESTS = MAX_UNANSWERED_POLLS * ATTEMPTS


@dataclass
class FaultHarness:
    """Runs the ordering functions against a faulty sandbox, with short waits."""

    sandbox: FaultySandbox
    data_dir: Path
    client_options: dict[str, Any] = field(default_factory=dict)
    events: list[Progress] = field(default_factory=list)

    def client(self) -> AcronisClient:
        options = {"retry_policy": QUICK, "connect_timeout": 2, "read_timeout": 0.5, **self.client_options}
        secret = SecretStr(self.sandbox.client_secret)
        return AcronisClient(f"{self.sandbox.base_url}/api/2", self.sandbox.client_id, secret, **options)

    def run(self, timeout: float = 1.0) -> RawReport:
        """The three steps of a run."""
        listener = self.events.append
        with self.client() as client:
            tenant_id = client.own_tenant_id()
            parameters = ReportParameters(tenant_id, PERIOD, "usage_summary", "direct_partners")
            request_report(
                client,
                self.data_dir,
                parameters,
                progress=listener,
                first_wait=0.02,
                timeout=timeout,
            )
            await_stored_reports(
                client, self.data_dir, PERIOD, progress=listener, first_wait=0.02, timeout=timeout
            )
            return download_report(
                client, self.data_dir, PERIOD, progress=listener, max_bytes=MAX_BYTES, timeout=2.0
            )

    def run_without_faults(self) -> RawReport:
        self.sandbox.set_faults()
        return self.run(timeout=30.0)

    @property
    def state(self) -> PeriodRequests:
        return load_requests(self.data_dir, PERIOD)

    def calls(self, route: str) -> int:
        return sum(each["route"] == route for each in self.sandbox.requests)

    def files(self) -> dict[str, bytes]:
        """Every file below the data folder, by its path in it."""
        found = (path for path in self.data_dir.rglob("*") if path.is_file())
        return {str(path.relative_to(self.data_dir)): path.read_bytes() for path in found}

    def report_files(self) -> list[str]:
        return sorted(name for name in self.files() if name.startswith("raw/"))

    def warnings(self) -> str:
        return "\n".join(str(each) for each in self.events)


def is_whole(raw: RawReport) -> bool:
    """Whether both files of the raw report are there and hold the same number of rows."""
    report = json.loads(raw.path("json_v2_0").read_text(encoding="utf-8-sig"))
    return len(report["tenants"]) == len(raw.path("csv_v2_0").read_text().splitlines()) - 1 > 0
