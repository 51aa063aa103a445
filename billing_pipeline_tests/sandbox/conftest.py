"""A running sandbox, and the few requests that every test of its API makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from billing_pipeline.sandbox import Sandbox

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


@dataclass
class Caller:
    """Talks to a sandbox as its API client."""

    sandbox: Sandbox
    token: str | None = None

    @property
    def url(self) -> str:
        return self.sandbox.base_url + "/api/2"

    def log_in(self) -> Caller:
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

    def body(self, **parameters: Any) -> dict[str, Any]:
        """A valid body of POST /reports; arguments replace parameters, and None leaves one out."""
        asked: dict[str, Any] = {
            "kind": "usage_summary",
            "tenant_id": self.sandbox.tenant_id,
            "level": "direct_partners",
            "period": {"start": "2026-09-01", "end": "2026-09-30"},
            "formats": ["json_v2_0", "csv_v2_0"],
            "hide_zero_usage": True,
            "show_skus": True,
        }
        asked = {name: value for name, value in (asked | parameters).items() if value is not None}
        return {"parameters": asked, "schedule": {"type": "once"}, "result_action": "save", "recipients": []}

    def order(self, **parameters: Any) -> str:
        """Order a report and return its id."""
        answer = self.call("POST", "/reports", json=self.body(**parameters))
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    def look(self, report_id: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.call("GET", f"/reports/{report_id}/stored").json()["items"]
        return items

    def saved(self, report_id: str) -> list[dict[str, Any]]:
        """The stored reports, once all of them are saved; on a busy machine that can take some looks."""
        for _ in range(100):
            items = self.look(report_id)
            if items and all(item["status"] == "saved" for item in items):
                return items
        raise AssertionError(f"never saved: {items}")

    def download(self, report_id: str) -> dict[str, requests.Response]:
        """The files of a report, by format."""
        return {
            item["report_format"]: self.call("GET", f"/reports/{report_id}/stored/{item['id']}")
            for item in self.saved(report_id)
        }


Opener = Callable[..., Caller]


@pytest.fixture(scope="module")
def shared_caller() -> Iterator[Caller]:
    """A logged-in caller of a sandbox whose reports are ready at once, for tests that change nothing else."""
    with Sandbox(ready_after_seconds=0, now=lambda: NOW, tenants=24) as sandbox:
        yield Caller(sandbox).log_in()


@pytest.fixture
def caller(shared_caller: Caller) -> Iterator[Caller]:
    """The shared one, for tests that set faults: without any before and after."""
    shared_caller.sandbox.set_faults()
    yield shared_caller
    shared_caller.sandbox.set_faults()
    shared_caller.log_in()


@pytest.fixture
def open_sandbox() -> Iterator[Opener]:
    """Opens sandboxes of any configuration, and closes them."""
    opened: list[Sandbox] = []

    defaults: dict[str, Any] = {"ready_after_seconds": 0, "now": lambda: NOW, "tenants": 3}

    def open_one(**arguments: Any) -> Caller:
        sandbox = Sandbox(**defaults | arguments)
        opened.append(sandbox.start())
        return Caller(sandbox).log_in()

    yield open_one
    for sandbox in opened:
        sandbox.stop()
