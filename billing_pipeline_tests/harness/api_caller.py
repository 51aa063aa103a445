"""API calls for tests of the sandbox, independent of the product's client."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, Self, TypeVar

import requests

from billing_pipeline.sandbox import Sandbox

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
S = TypeVar("S", bound=Sandbox)


@dataclass
class Caller(Generic[S]):
    """The API client of a sandbox, one HTTP call at a time."""

    sandbox: S
    token: str | None = None

    @property
    def url(self) -> str:
        return self.sandbox.base_url + "/api/2"

    def log_in(self) -> Self:
        answer = requests.post(
            self.url + "/idp/token",
            auth=(self.sandbox.client_id, self.sandbox.client_secret),
            data={"grant_type": "client_credentials"},
            timeout=10,
        )
        self.token = answer.json()["access_token"]
        return self

    def call(self, method: str, path: str, **arguments: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}"} | arguments.pop("headers", {})
        return requests.request(method, self.url + path, headers=headers, timeout=10, **arguments)

    def body(self, **changes: Any) -> dict[str, Any]:
        """A valid body of POST /reports; arguments replace parameters, and None leaves one out."""
        parameters: dict[str, Any] = {
            "kind": "usage_summary",
            "tenant_id": self.sandbox.tenant_id,
            "level": "direct_partners",
            "period": {"start": "2026-09-01", "end": "2026-09-30"},
            "formats": ["json_v2_0", "csv_v2_0"],
            "hide_zero_usage": True,
            "show_skus": True,
        }
        parameters = {name: value for name, value in (parameters | changes).items() if value is not None}
        return {
            "parameters": parameters,
            "schedule": {"type": "once"},
            "result_action": "save",
            "recipients": [],
        }

    def create(self, **parameters: Any) -> str:
        """Create a report and return its id."""
        answer = self.call("POST", "/reports", json=self.body(**parameters))
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    def poll(self, report_id: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.call("GET", f"/reports/{report_id}/stored").json()["items"]
        return items

    def saved(self, report_id: str) -> list[dict[str, Any]]:
        """The stored reports, once all of them are saved; on a busy machine that can take some polls."""
        for _ in range(100):
            items = self.poll(report_id)
            if items and all(item["status"] == "saved" for item in items):
                return items
        raise AssertionError(f"never saved: {items}")

    def download(self, report_id: str) -> dict[str, requests.Response]:
        """The files of a report, by format."""
        return {
            item["report_format"]: self.call("GET", f"/reports/{report_id}/stored/{item['id']}")
            for item in self.saved(report_id)
        }
