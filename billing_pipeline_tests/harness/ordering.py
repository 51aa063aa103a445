"""The steps of a run for one period against the sandbox, with short waits."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import requests
from pydantic import SecretStr

from billing_pipeline.acronis import AcronisClient, RetryPolicy
from billing_pipeline.landing import RawReport, period_lock
from billing_pipeline.ordering import Progress, await_stored_reports, download_report, request_report
from billing_pipeline.ordering.state import (
    Outcome,
    PeriodRequests,
    ReportRequest,
    load_requests,
    record_outcome,
)
from billing_pipeline.periods import BillingPeriod
from billing_pipeline.reports import ReportParameters
from billing_pipeline_tests.harness.recording_sandbox import RecordingSandbox

QUICK = RetryPolicy(first_wait=0.01, longest_wait=0.02, retry_after_cap=0.05)
PERIOD = BillingPeriod(2026, 9)


@dataclass
class OrderingHarness:
    """Requests, polls and downloads reports of one period from a sandbox."""

    sandbox: RecordingSandbox
    client: AcronisClient
    data_dir: Path
    parameters: ReportParameters
    events: list[Progress] = field(default_factory=list)

    def request(self, **options: Any) -> ReportRequest:
        options = {"first_wait": 0.02, "timeout": 20.0, **options}
        parameters = options.pop("parameters", self.parameters)
        return request_report(self.client, self.data_dir, parameters, progress=self.events.append, **options)

    def record(
        self, report_id: str, outcome: Literal[Outcome.LOADED, Outcome.REFUSED], reason: str | None = None
    ) -> None:
        """Record the outcome of a load as the load does."""
        with period_lock(self.data_dir, PERIOD):
            record_outcome(self.data_dir, PERIOD, report_id, outcome, reason)

    def wait(self, **options: Any) -> ReportRequest:
        options = {"first_wait": 0.02, "timeout": 20.0, **options}
        return await_stored_reports(
            self.client, self.data_dir, PERIOD, progress=self.events.append, **options
        )

    def download(self, **options: Any) -> RawReport:
        return download_report(self.client, self.data_dir, PERIOD, progress=self.events.append, **options)

    def run(self) -> RawReport:
        self.request()
        self.wait()
        return self.download()

    @property
    def state(self) -> PeriodRequests:
        return load_requests(self.data_dir, PERIOD)

    def delete(self, report_id: str) -> None:
        """Delete a report as another client, with a separate token."""
        api, account = self.client.base_url, (self.sandbox.client_id, self.sandbox.client_secret)
        form = {"grant_type": "client_credentials"}
        token = requests.post(f"{api}/idp/token", form, auth=account, timeout=5).json()["access_token"]
        bearer = {"Authorization": f"Bearer {token}"}
        version = requests.get(f"{api}/reports/{report_id}", headers=bearer, timeout=5).json()["version"]
        url = f"{api}/reports/{report_id}?version={version}"
        requests.delete(url, headers=bearer, timeout=5).raise_for_status()

    def posts(self) -> int:
        return sum(each["route"] == "create_report" for each in self.sandbox.requests)

    def calls(self) -> list[str]:
        return [each["route"] for each in self.sandbox.requests]


def client_of(sandbox: RecordingSandbox, **options: Any) -> AcronisClient:
    options = {"retry_policy": QUICK, "connect_timeout": 2, "read_timeout": 2, **options}
    return AcronisClient(
        f"{sandbox.base_url}/api/2", sandbox.client_id, SecretStr(sandbox.client_secret), **options
    )
