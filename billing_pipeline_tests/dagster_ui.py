"""What Dagster's page sends when a person clicks, as calls of its GraphQL API."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import requests

ASSETS = ("report_request", "stored_report", "raw_report", "usage")

_BACKFILL = """
mutation LaunchPartitionBackfill($parameters: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $parameters) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
    ... on UnauthorizedError { message }
  }
}
"""
_PROGRESS = """
query Backfill($id: String!) {
  partitionBackfillOrError(backfillId: $id) {
    ... on PartitionBackfill {
      status
      error { message }
      runs(limit: 1000) { status tags { key value } }
    }
  }
}
"""
_ENDED = {"COMPLETED", "COMPLETED_SUCCESS", "COMPLETED_FAILED", "FAILED", "CANCELED"}


def ask(url: str, query: str, **variables: Any) -> dict[str, Any]:
    """The data that a query gives; an error of the query itself is an assertion."""
    answer = requests.post(f"{url}/graphql", json={"query": query, "variables": variables}, timeout=60)
    told: dict[str, Any] = answer.json()
    assert not told.get("errors"), told
    data: dict[str, Any] = told["data"]
    return data


def launch_backfill(url: str, periods: Sequence[str]) -> str:
    """Materialise all four assets of some periods, each period in a run of its own; the backfill's id."""
    parameters = {
        "assetSelection": [{"path": [name]} for name in ASSETS],
        "partitionNames": list(periods),
    }
    told = ask(url, _BACKFILL, parameters=parameters)["launchPartitionBackfill"]
    assert told["__typename"] == "LaunchBackfillSuccess", told
    return str(told["backfillId"])


def backfill_state(url: str, backfill_id: str) -> tuple[str, dict[str, list[str]]]:
    """Its status, and of each period the statuses of its runs."""
    told = ask(url, _PROGRESS, id=backfill_id)["partitionBackfillOrError"]
    assert not told["error"], told
    runs: dict[str, list[str]] = {}
    for run in told["runs"]:
        (period,) = (tag["value"] for tag in run["tags"] if tag["key"] == "dagster/partition")
        runs.setdefault(period, []).append(run["status"])
    return told["status"], runs


def await_backfill(
    url: str, backfill_id: str, *, seconds: float, alive: Callable[[], bool] = lambda: True
) -> dict[str, list[str]]:
    """The statuses of each period's runs, once the backfill has ended.

    Args:
        seconds: after which it is given up.
        alive: whether the processes that work on it are still there.
    """
    deadline = time.monotonic() + seconds
    while True:
        status, runs = backfill_state(url, backfill_id)
        if status in _ENDED:
            return runs
        assert alive(), "a process of Dagster has ended"
        assert time.monotonic() < deadline, (status, runs)
        time.sleep(0.5)
