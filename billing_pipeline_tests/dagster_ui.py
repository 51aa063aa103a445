"""Dagster's GraphQL API, called as its page does."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Collection, Sequence
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
_RUNS = """
query Runs($backfill: String!) {
  runsOrError(filter: { tags: [{ key: "dagster/backfill", value: $backfill }] }) {
    ... on Runs { results { status tags { key value } } }
  }
}
"""


def wait_until_serving(url: str, process: subprocess.Popen[bytes], seconds: float = 120) -> None:
    """Wait until the webserver answers; an assertion fails if it does not, or its process ends."""
    deadline = time.monotonic() + seconds
    while not is_serving(url):
        assert process.poll() is None, "the webserver has ended"
        assert time.monotonic() < deadline, "the webserver does not answer"
        time.sleep(0.3)


def is_serving(url: str) -> bool:
    """Whether the webserver answers."""
    try:
        return requests.get(f"{url}/server_info", timeout=5).ok
    except requests.RequestException:
        return False


def ask(url: str, query: str, **variables: Any) -> dict[str, Any]:
    """The data of a query; a GraphQL error fails an assertion."""
    answer = requests.post(f"{url}/graphql", json={"query": query, "variables": variables}, timeout=60)
    result: dict[str, Any] = answer.json()
    assert not result.get("errors"), result
    data: dict[str, Any] = result["data"]
    return data


def launch_backfill(url: str, periods: Sequence[str]) -> str:
    """Launch a backfill of all four assets, one run per period; returns its id."""
    parameters = {
        "assetSelection": [{"path": [name]} for name in ASSETS],
        "partitionNames": list(periods),
    }
    launched = ask(url, _BACKFILL, parameters=parameters)["launchPartitionBackfill"]
    assert launched["__typename"] == "LaunchBackfillSuccess", launched
    return str(launched["backfillId"])


def runs_of(url: str, backfill_id: str) -> dict[str, list[str]]:
    """The statuses of a backfill's runs by period, latest run first."""
    runs: dict[str, list[str]] = {}
    for run in ask(url, _RUNS, backfill=backfill_id)["runsOrError"]["results"]:
        (period,) = (tag["value"] for tag in run["tags"] if tag["key"] == "dagster/partition")
        runs.setdefault(period, []).append(run["status"])
    return runs


def await_periods(
    url: str,
    backfill_id: str,
    periods: Collection[str],
    *,
    seconds: float,
    alive: Callable[[], bool] = lambda: True,
) -> dict[str, list[str]]:
    """Wait until the latest run of each period has succeeded, and return the result of `runs_of`.

    Args:
        seconds: the deadline.
        alive: whether the processes of the backfill are still running.
    """
    deadline = time.monotonic() + seconds
    while True:
        runs = runs_of(url, backfill_id)
        if all(runs.get(period, [""])[0] == "SUCCESS" for period in periods):
            return runs
        assert alive(), "a process of Dagster has ended"
        assert time.monotonic() < deadline, runs
        time.sleep(0.5)
